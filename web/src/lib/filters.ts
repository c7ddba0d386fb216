import type { JobState } from "../api/types";

/** The filters of the history, as they stand in the address and as the API wants them. */
export interface Filters {
  q: string;
  state: JobState | "";
  /** `YYYY-MM-DD` in the person's own time zone, both days included. */
  from: string;
  to: string;
  minFaces: string;
  batch: string;
}

export const STATES: JobState[] = ["pending", "queued", "running", "waiting", "done", "failed", "cancelled"];

export function readFilters(query: URLSearchParams): Filters {
  const state = query.get("state");
  return {
    q: query.get("q") ?? "",
    state: STATES.find((known) => known === state) ?? "",
    from: day(query.get("from")),
    to: day(query.get("to")),
    minFaces: /^\d{1,4}$/.test(query.get("faces") ?? "") ? (query.get("faces") ?? "") : "",
    batch: query.get("batch") ?? "",
  };
}

export function writeFilters(filters: Filters): Record<string, string> {
  const { minFaces, ...rest } = filters;
  return { ...rest, faces: minFaces };
}

export const isFiltered = (filters: Filters): boolean => Object.values(filters).some(Boolean);

/** A type, not an interface: openapi-fetch wants something indexable. */
export type HistoryQuery = {
  q?: string;
  state?: JobState[];
  from?: string;
  to?: string;
  min_faces?: number;
  max_faces?: number;
  batch_id?: string;
};

export function toQuery(filters: Filters): HistoryQuery {
  const query: HistoryQuery = {};
  if (filters.q) query.q = filters.q;
  if (filters.state) query.state = [filters.state];
  if (filters.from) query.from = startOfDay(filters.from).toISOString();
  if (filters.to) query.to = startOfDay(filters.to, 1).toISOString();
  if (filters.minFaces === "0") query.max_faces = 0;
  else if (filters.minFaces) query.min_faces = Number(filters.minFaces);
  if (filters.batch) query.batch_id = filters.batch;
  return query;
}

export function exportAddress(query: HistoryQuery, format: "csv" | "json"): string {
  const params = new URLSearchParams({ format });
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) params.append(name, String(one));
  }
  return `/api/photos/export?${params}`;
}

/** Local midnight of `day`, or of `later` days after it. */
function startOfDay(text: string, later = 0): Date {
  const [year = 0, month = 1, dayOfMonth = 1] = text.split("-").map(Number);
  return new Date(year, month - 1, dayOfMonth + later);
}

function day(text: string | null): string {
  return text && /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text)) ? text : "";
}
