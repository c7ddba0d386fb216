import { postFile } from "../api/post";
import type { Upload } from "../api/types";

interface Options {
  file: File;
  batchId: string | null;
  idempotencyKey: string;
  signal: AbortSignal;
  /** Called with 0–1 as bytes leave. */
  onprogress: (ratio: number) => void;
}

/** Sends one photo. */
export function send({ file, batchId, idempotencyKey, signal, onprogress }: Options): Promise<Upload> {
  const query = new URLSearchParams({ filename: file.name });
  if (batchId) query.set("batch_id", batchId);
  const headers = { "Idempotency-Key": idempotencyKey };
  return postFile<Upload>(`/api/photos?${query}`, { file, headers, signal, onprogress });
}

/** Not `crypto.randomUUID`: that one exists only on https and on localhost. */
export function newIdempotencyKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}
