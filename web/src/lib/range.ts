/** The time range of a report, in UTC as the server groups it. */

export const PRESETS = ["day", "week", "month", "year", "custom"] as const;
export type Preset = (typeof PRESETS)[number];

export const GROUPINGS = ["hour", "day", "week", "month"] as const;
export type Grouping = (typeof GROUPINGS)[number];

export interface Range {
  from: string;
  to: string;
  by: Grouping;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const LENGTHS = { day: DAY_MS, week: 7 * DAY_MS, month: 30 * DAY_MS, year: 365 * DAY_MS } as const;
const BY = { day: "hour", week: "day", month: "day", year: "month" } as const;

export function presetRange(preset: Exclude<Preset, "custom">, now: number): Range {
  return {
    from: new Date(now - LENGTHS[preset]).toISOString(),
    to: new Date(now).toISOString(),
    by: BY[preset],
  };
}

/** `from` and `to` are days, `YYYY-MM-DD`, both included. */
export function customRange(from: string, to: string, by?: Grouping): Range {
  const start = Date.parse(`${from}T00:00:00Z`);
  const end = Date.parse(`${to}T00:00:00Z`) + DAY_MS;
  return {
    from: new Date(start).toISOString(),
    to: new Date(end).toISOString(),
    by: by ?? grouping((end - start) / DAY_MS),
  };
}

function grouping(days: number): Grouping {
  if (days <= 2) return "hour";
  if (days <= 62) return "day";
  return days <= 366 ? "week" : "month";
}

export const utcDay = (time: number): string => new Date(time).toISOString().slice(0, 10);
