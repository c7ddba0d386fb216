/**
 * Follows the audit log's chain of hashes in the browser, so that nobody need believe the server. What is hashed is in
 * docs/explanation/audit-log.md.
 */

export type Fault = "changed" | "moved" | "removed" | "rewritten" | "cut_off" | "bad_checkpoint";

export interface Verified {
  entries: number;
  /** Checkpoints whose hash is that of the chain, with a signature that fits. */
  checkpoints: number;
  /** Checkpoints whose signature this browser cannot check. */
  unchecked: number;
  signedUntil: number;
  /** The entries up to here were taken out, as a signed pruning says. */
  prunedUntil: number;
  keys: string[];
  broken: { sequence: number; fault: Fault } | null;
}

interface Line {
  sequence: number;
  previous_hash: string;
  hash: string;
  digest?: string;
  format?: string;
  previous_sequence?: number;
  key_id?: string;
  public_key?: string;
  signature?: string;
}

const START = "0".repeat(64);
const CHECKPOINT = "fotofila-checkpoint/1";
const PRUNING = "fotofila-pruning/1";
const KEY_ID_DIGITS = 16;
const TELL_EVERY = 200;

/** Whether the browser has what it takes: it lacks it on http:// addresses other than this machine's own. */
export const canVerify = (): boolean => globalThis.crypto?.subtle !== undefined;

export async function verifyChain(
  lines: AsyncIterable<string>,
  /** Called with how many were followed, and the number of the last. */
  onprogress: (entries: number, sequence: number) => void = () => undefined,
): Promise<Verified> {
  const found: Verified = {
    entries: 0,
    checkpoints: 0,
    unchecked: 0,
    signedUntil: 0,
    prunedUntil: 0,
    keys: [],
    broken: null,
  };
  const signed = new Set([0]);
  const prunings: Line[] = [];
  let last = { sequence: 0, hash: START };
  for await (const text of lines) {
    const line = JSON.parse(text) as Line;
    if (line.format === CHECKPOINT) {
      found.broken = await compare(line, last, signed, found);
    } else if (line.format === PRUNING) {
      if ((await isSigned(line)) === false)
        found.broken = { sequence: line.sequence, fault: "bad_checkpoint" };
      prunings.push(line);
    } else {
      if (found.entries === 0) {
        const begin = prunings.filter(({ sequence }) => sequence < line.sequence).at(-1);
        if (begin) last = { sequence: begin.sequence, hash: begin.hash };
        found.prunedUntil = found.signedUntil = last.sequence;
      }
      const fault = await faultOf(line, last);
      if (fault) found.broken = { sequence: Math.min(line.sequence, last.sequence + 1), fault };
      else last = { sequence: line.sequence, hash: line.hash };
      if (!fault) found.entries += 1;
      if (found.entries % TELL_EVERY === 0) onprogress(found.entries, last.sequence);
    }
    if (found.broken) break;
  }
  onprogress(found.entries, last.sequence);
  return found;
}

/** What is wrong with an entry, seen from the one before it. */
async function faultOf(line: Line, last: { sequence: number; hash: string }): Promise<Fault | null> {
  if (line.sequence > last.sequence + 1) return "removed";
  if (line.sequence <= last.sequence || line.previous_hash !== last.hash) return "moved";
  const digest = line.digest ?? (await sha256(canonical(without(line, "previous_hash", "hash"))));
  return (await sha256(line.previous_hash + digest)) === line.hash ? null : "changed";
}

/** Holds a checkpoint against the chain. */
async function compare(
  line: Line,
  last: { sequence: number; hash: string },
  signed: Set<number>,
  found: Verified,
): Promise<Verified["broken"]> {
  if (line.sequence > last.sequence) return { sequence: last.sequence + 1, fault: "cut_off" };
  const fits = await isSigned(line);
  const previous = line.previous_sequence ?? 0;
  const follows = signed.has(previous) || previous <= found.prunedUntil;
  if (fits === false || line.sequence < last.sequence || !follows)
    return { sequence: line.sequence, fault: "bad_checkpoint" };
  if (line.hash !== last.hash) return { sequence: found.signedUntil + 1, fault: "rewritten" };
  signed.add(line.sequence);
  if (fits === null) found.unchecked += 1;
  else {
    found.checkpoints += 1;
    found.signedUntil = line.sequence;
  }
  if (line.key_id && !found.keys.includes(line.key_id)) found.keys.push(line.key_id);
  return null;
}

/** Null where it cannot be known: the key is not there, or the browser does not know Ed25519. */
async function isSigned(line: Line): Promise<boolean | null> {
  if (!line.public_key || !line.signature) return null;
  const key = bytes(line.public_key);
  if (hex(await crypto.subtle.digest("SHA-256", key)).slice(0, KEY_ID_DIGITS) !== line.key_id) return false;
  let imported: CryptoKey;
  try {
    imported = await crypto.subtle.importKey("raw", key, "Ed25519", false, ["verify"]);
  } catch {
    return null;
  }
  const text = new TextEncoder().encode(canonical(without(line, "signature")));
  return crypto.subtle.verify("Ed25519", imported, bytes(line.signature), text);
}

/** JSON as RFC 8785 writes it, of documents without fractions. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, one]) => `${JSON.stringify(name)}:${canonical(one)}`).join(",")}}`;
}

function without(line: Line, ...names: string[]): object {
  return Object.fromEntries(Object.entries(line).filter(([name]) => !names.includes(name)));
}

async function sha256(text: string): Promise<string> {
  return hex(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

const hex = (buffer: ArrayBuffer): string =>
  Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");

const bytes = (base64: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));

/** The lines of a stream of UTF-8, as they arrive. */
export async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      const parts = (rest + decoder.decode(value, { stream: !done })).split("\n");
      rest = parts.pop() ?? "";
      for (const line of parts) if (line.trim()) yield line;
      if (done) break;
    }
    if (rest.trim()) yield rest;
  } finally {
    await reader.cancel();
  }
}
