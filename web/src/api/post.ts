import { LONGEST_WAIT_SECONDS, MOST_TRIES, signedOut } from "./client";
import { Problem, problemFromBody, unreachable } from "./problem";

interface Options {
  file: File;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** Called with 0–1 as bytes leave. */
  onprogress?: (ratio: number) => void;
}

/** Posts the bytes of a file. XMLHttpRequest, because `fetch` does not tell how much of a body has left. */
export function postFile<T>(address: string, { file, headers, signal, onprogress }: Options): Promise<T> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", address);
    request.responseType = "json";
    // Not `file.type`: browsers guess it from the name, and a wrong guess would be refused as a contradiction.
    request.setRequestHeader("Content-Type", "application/octet-stream");
    for (const [name, value] of Object.entries(headers ?? {})) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => event.lengthComputable && onprogress?.(event.loaded / event.total);
    request.onerror = () => reject(unreachable());
    request.onabort = () => reject(new DOMException("cancelled", "AbortError"));
    request.onload = () => {
      if (request.status === 401) signedOut();
      if (request.status >= 200 && request.status < 300) resolve(request.response as T);
      else
        reject(problemFromBody(request.status, request.response, request.getResponseHeader("Retry-After")));
    };
    signal?.addEventListener("abort", () => request.abort(), { once: true });
    request.send(file);
  });
}

/** Tries again when the server is busy for a moment: for posts that change nothing. */
export async function patiently<T>(send: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await send();
    } catch (error) {
      const wait = error instanceof Problem && error.transient ? error.retryAfter : null;
      if (wait === null || wait > LONGEST_WAIT_SECONDS || tries >= MOST_TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, wait * 1000));
    }
  }
}
