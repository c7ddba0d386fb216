/** What a signed receipt of an erasure says; see docs/how-to/biometric-care.md. */
export interface Receipt {
  at: string;
  actor: { kind: string; id: string | null };
  asked: [name: string, value: string][];
  reason: string | null;
  erased: { collection: string; faces: number; whole: boolean; people: string[]; faceIds: string[] }[];
  entry: number | null;
  keyId: string;
}

type Loose = Record<string, unknown>;

const text = (value: unknown): string => (typeof value === "string" ? value : "");
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const object = (value: unknown): Loose =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Loose) : {};

/** Reads what is there: a receipt may be older than this page. */
export function readReceipt(document: Loose): Receipt {
  const actor = object(document.actor);
  return {
    at: text(document.at),
    actor: { kind: text(actor.kind), id: text(actor.id) || null },
    asked: Object.entries(object(document.asked)).map(([name, value]) => [
      name,
      list(value).join(", ") || String(value),
    ]),
    reason: text(document.reason) || null,
    erased: list(document.erased).map((each) => {
      const one = object(each);
      const faceIds = list(one.face_ids).map(String);
      const counted = object(one.counts).faces;
      return {
        collection: text(one.collection),
        faces: typeof counted === "number" ? counted : faceIds.length,
        whole: one.whole === true,
        people: list(one.user_ids).map(String),
        faceIds,
      };
    }),
    entry: Number(object(document.audit).sequence) || null,
    keyId: text(document.key_id),
  };
}
