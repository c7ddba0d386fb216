import { i18n } from "./index.svelte";

/** Numbers, dates and sizes in the language of the page. Reading any of them in a template follows the switch. */

export const number = (value: number, digits = 0): string =>
  new Intl.NumberFormat(i18n.locale, { maximumFractionDigits: digits }).format(value);

export const percent = (ratio: number): string =>
  new Intl.NumberFormat(i18n.locale, { style: "percent", maximumFractionDigits: 0 }).format(ratio);

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"] as const;

export function bytes(value: number): string {
  const step = value < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(value) / 3));
  return new Intl.NumberFormat(i18n.locale, {
    style: "unit",
    unit: UNITS[step],
    unitDisplay: step === 0 ? "long" : "short",
    maximumFractionDigits: step < 2 ? 0 : 1,
  }).format(value / 1000 ** step);
}

export const dateTime = (value: string | Date): string =>
  new Intl.DateTimeFormat(i18n.locale, { dateStyle: "medium", timeStyle: "short" }).format(new Date(value));

export const date = (value: string | Date, zone?: string): string =>
  new Intl.DateTimeFormat(i18n.locale, { dateStyle: "medium", timeZone: zone }).format(new Date(value));

export const time = (value: string | Date): string =>
  new Intl.DateTimeFormat(i18n.locale, {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    fractionalSecondDigits: 3,
  }).format(new Date(value));

/** Hours and minutes. */
export const clock = (value: string | number | Date): string =>
  new Intl.DateTimeFormat(i18n.locale, { timeStyle: "short" }).format(new Date(value));

/** With the symbols of the SI, which are the same in every language. */
export function milliseconds(value: number): string {
  if (value >= 1000) return `${number(value / 1000, 2)} s`;
  return `${number(value, value < 10 ? 1 : 0)} ms`;
}

const AGES: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

export function ago(value: string, now: number = Date.now()): string {
  const seconds = (Date.parse(value) - now) / 1000;
  const format = new Intl.RelativeTimeFormat(i18n.locale, { numeric: "auto" });
  for (const [unit, size] of AGES) {
    if (Math.abs(seconds) >= size) return format.format(Math.trunc(seconds / size), unit);
  }
  return format.format(0, "second");
}

/** A wait in the largest sensible unit: "40 seconds", "2 minutes", "3 hours". */
export function roughly(seconds: number): string {
  const [unit, size] =
    seconds < 55
      ? (["second", 1] as const)
      : seconds < 3300
        ? (["minute", 60] as const)
        : (["hour", 3600] as const);
  const step = unit === "second" ? 5 : 1;
  const value = Math.max(step, Math.ceil(seconds / size / step) * step);
  return new Intl.NumberFormat(i18n.locale, { style: "unit", unit, unitDisplay: "long" }).format(value);
}
