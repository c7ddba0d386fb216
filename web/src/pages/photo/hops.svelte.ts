import type { Hop } from "../../api/types";
import { milliseconds, time } from "../../i18n/format.svelte";
import { i18n } from "../../i18n/index.svelte";

/** What a step tells besides its time: "took 210 ms · CPU 340 ms". Fields without a name here are for programs. */
export function hopDetail(detail: Hop["detail"]): string {
  const names = i18n.messages.hopDetails;
  return Object.entries(detail ?? {})
    .flatMap(([key, value]) => (names[key] && value !== null ? [`${names[key]} ${shown(key, value)}`] : []))
    .join(" · ");
}

function shown(key: string, value: unknown): string {
  if (key.endsWith("seconds") && typeof value === "number") return milliseconds(value * 1000);
  if (key === "until" && typeof value === "string") return time(value);
  return String(value);
}
