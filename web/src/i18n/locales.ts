export const LOCALES = ["en", "pt-BR"] as const;
export type Locale = (typeof LOCALES)[number];

/** What was chosen before, else the first preferred language that the page speaks, else English. */
export function pickLocale(remembered: string | null, preferred: readonly string[]): Locale {
  const known = LOCALES.find((locale) => locale === remembered);
  if (known) return known;
  for (const language of preferred) {
    if (language.toLowerCase().startsWith("pt")) return "pt-BR";
    if (language.toLowerCase().startsWith("en")) return "en";
  }
  return "en";
}
