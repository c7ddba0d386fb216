import type { AuditEntry, AuditQuery } from "../api/audit";

/** What the log tells of, as its filter offers it: each after the noun that it belongs to. */
export const ACTIONS = {
  faces: ["index", "search", "compare", "view", "delete", "expire", "erase", "export", "import"],
  collection: ["create", "update", "switch", "remodel", "tag", "delete", "erase"],
  users: ["create", "associate", "disassociate", "delete"],
  consent: ["add", "withdraw"],
  session: ["create", "refuse"],
  user: ["create", "change", "delete"],
  key: ["create", "rotate", "revoke"],
  workspace: ["switch", "change"],
  audit: ["export", "prune"],
} as const;

export type Family = keyof typeof ACTIONS;
export const FAMILIES = Object.keys(ACTIONS) as Family[];

export interface AuditFilters {
  /** `faces.search`, or `faces` for all that begins so. */
  action: string;
  subject: string;
  actor: string;
  /** Days where the person is, `YYYY-MM-DD`, both included. */
  from: string;
  to: string;
}

export const NO_FILTERS: AuditFilters = { action: "", subject: "", actor: "", from: "", to: "" };
const DAY = /^(\d{4})-(\d{2})-(\d{2})$/;

export function readFilters(query: URLSearchParams): AuditFilters {
  const text = (name: string): string => query.get(name) ?? "";
  const day = (name: string): string => (startOfDay(text(name)) ? text(name) : "");
  return {
    action: text("action"),
    subject: text("subject"),
    actor: text("actor"),
    from: day("from"),
    to: day("to"),
  };
}

export const isFiltered = (filters: AuditFilters): boolean => Object.values(filters).some(Boolean);

export function toQuery(filters: AuditFilters): AuditQuery {
  return {
    action: filters.action || undefined,
    subject: filters.subject || undefined,
    actor_id: filters.actor || undefined,
    from: startOfDay(filters.from),
    to: startOfDay(filters.to, 1),
  };
}

export function exportAddress(filters: AuditFilters, format: "csv" | "jsonl" | "chain"): string {
  const query = new URLSearchParams({ format });
  // The chain is whole, or it proves nothing.
  const narrowed = format === "chain" ? {} : toQuery(filters);
  for (const [name, value] of Object.entries(narrowed)) if (value) query.set(name, String(value));
  return `/api/audit/export?${query}`;
}

/** The moment at which a day begins where the person is, or the one `later` days after it. */
function startOfDay(day: string, later = 0): string | undefined {
  const [, year, month, date] = DAY.exec(day) ?? [];
  if (!year || !month || !date) return undefined;
  const start = new Date(Number(year), Number(month) - 1, Number(date) + later);
  return Number.isNaN(start.getTime()) ? undefined : start.toISOString();
}

/** The name of a sentence in the catalogue: the action, and what it was where one action has several meanings. */
export function titleKey({ action, detail }: Pick<AuditEntry, "action" | "detail">): string {
  if (action === "collection.switch" && "to" in detail) return "collection.switch model";
  if (action === "collection.switch" && typeof detail.switched_on === "boolean")
    return `${action} ${detail.switched_on ? "on" : "off"}`;
  if (action === "workspace.switch" && typeof detail.face_recognition === "boolean")
    return `${action} ${detail.face_recognition ? "on" : "off"}`;
  if (action === "collection.remodel" && typeof detail.what === "string") return `${action} ${detail.what}`;
  return action;
}

const OF_A_COLLECTION = ["faces.", "collection.", "users.", "consent."];

/** Whether `subject` is the name of a collection. */
export const isAboutCollection = ({ action, subject }: AuditEntry): boolean =>
  subject !== null && OF_A_COLLECTION.some((family) => action.startsWith(family));

/** How many a detail tells of: it is a count, or the ids. */
export function countOf(value: unknown): number | null {
  if (Array.isArray(value)) return value.length;
  return typeof value === "number" ? value : null;
}

/** A value of a detail in one line. */
export function plainText(value: unknown): string {
  if (Array.isArray(value)) return value.map(plainText).join(", ");
  if (typeof value === "object" && value !== null)
    return Object.entries(value)
      .map(([name, one]) => `${name}: ${plainText(one)}`)
      .join(", ");
  return String(value);
}
