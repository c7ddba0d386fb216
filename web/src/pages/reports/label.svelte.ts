import { i18n } from "../../i18n/index.svelte";
import type { Grouping } from "../../lib/range";

const SHAPES: Record<Grouping, Intl.DateTimeFormatOptions> = {
  hour: { hour: "2-digit", minute: "2-digit" },
  day: { day: "numeric", month: "short" },
  week: { day: "numeric", month: "short" },
  month: { month: "short", year: "2-digit" },
};

/** The start of a bucket, in UTC as the server cuts them. */
export function bucketLabel(start: string, by: Grouping): string {
  return new Intl.DateTimeFormat(i18n.locale, { ...SHAPES[by], timeZone: "UTC" }).format(new Date(start));
}
