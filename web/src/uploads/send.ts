import { signedOut } from "../api/client";
import { problemFromBody, unreachable } from "../api/problem";
import type { Upload } from "../api/types";

interface Options {
  file: File;
  batchId: string | null;
  idempotencyKey: string;
  signal: AbortSignal;
  /** Called with 0–1 as bytes leave. */
  onprogress: (ratio: number) => void;
}

/** Sends one photo. XMLHttpRequest, because `fetch` does not tell how much of a body has left. */
export function send({ file, batchId, idempotencyKey, signal, onprogress }: Options): Promise<Upload> {
  const query = new URLSearchParams({ filename: file.name });
  if (batchId) query.set("batch_id", batchId);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `/api/photos?${query}`);
    request.responseType = "json";
    // Not `file.type`: browsers guess it from the name, and a wrong guess would be refused as a contradiction.
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.setRequestHeader("Idempotency-Key", idempotencyKey);
    request.upload.onprogress = (event) => event.lengthComputable && onprogress(event.loaded / event.total);
    request.onerror = () => reject(unreachable());
    request.onabort = () => reject(new DOMException("cancelled", "AbortError"));
    request.onload = () => {
      if (request.status === 401) signedOut();
      if (request.status >= 200 && request.status < 300) resolve(request.response as Upload);
      else
        reject(problemFromBody(request.status, request.response, request.getResponseHeader("Retry-After")));
    };
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(file);
  });
}

/** Not `crypto.randomUUID`: that one exists only on https and on localhost. */
export function newIdempotencyKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}
