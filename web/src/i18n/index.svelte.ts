import { pickLocale, type Locale } from "./locales";
import { en } from "./messages/en";
import { ptBR } from "./messages/pt-BR";

/** English is the shape: another language that lacks a message, or adds one, fails the type check. */
export type Messages = typeof en;

const CATALOGUES: Record<Locale, Messages> = { en, "pt-BR": ptBR };
const REMEMBERED = "fotofila.locale";

function remembered(): string | null {
  try {
    return localStorage.getItem(REMEMBERED);
  } catch {
    return null; // storage can be switched off; the choice then lasts as long as the page
  }
}

class I18n {
  locale = $state<Locale>(pickLocale(remembered(), navigator.languages));
  messages = $derived(CATALOGUES[this.locale]);

  choose(locale: Locale): void {
    this.locale = locale;
    try {
      localStorage.setItem(REMEMBERED, locale);
    } catch {
      // as above
    }
  }
}

export const i18n = new I18n();
