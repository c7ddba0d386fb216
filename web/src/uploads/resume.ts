import { DetailedError, Upload as TusUpload } from "tus-js-client";
import { api, ok, signedOut } from "../api/client";
import { Problem, problemFromBody, unreachable } from "../api/problem";
import type { Upload } from "../api/types";
import { forgetUpload, rememberUpload, rememberedUpload } from "./remembered";

const ENDPOINT = "/api/uploads/tus/";
/** Files from this size on are sent so that they can be gone on with; smaller ones are quicker sent again. */
export const RESUMABLE_BYTES = 8 * 1024 * 1024;
/** One request: what is lost at most where a proxy hands on whole requests only. */
const PIECE_BYTES = 8 * 1024 * 1024;

interface Options {
  file: File;
  batchId: string | null;
  signal: AbortSignal;
  /** Called with 0–1 as bytes leave. */
  onprogress: (ratio: number) => void;
  /** Called with the bytes that the server has for good. */
  ondurable: (bytes: number) => void;
}

/**
 * Sends one large photo by the tus protocol, from where it was stopped: by a lost line, by a closed page, by us.
 *
 * When to try again is decided by whoever calls, as for small photos. What was begun is kept through every trouble but
 * the server's word that it is gone; tus-js-client by itself would begin anew after any error of the server.
 */
export async function sendResumable(options: Options): Promise<Upload> {
  const known = rememberedUpload(options.file);
  try {
    const url = await sendRest(options, known);
    const upload = await complete(url);
    forgetUpload(options.file);
    return upload;
  } catch (error) {
    const gone = error instanceof Problem && (error.status === 404 || error.status === 410);
    if (gone || options.signal.aborted) forgetUpload(options.file);
    if (gone && known !== null) return sendResumable(options);
    throw error;
  }
}

/** Sends what is missing; resolves with the upload's address. */
function sendRest(options: Options, known: string | null): Promise<string> {
  const { file, batchId, signal, onprogress, ondurable } = options;
  return new Promise((resolve, reject) => {
    let placed = false;
    const upload = new TusUpload(file, {
      ...(known === null ? { endpoint: ENDPOINT } : { uploadUrl: known }),
      chunkSize: PIECE_BYTES,
      retryDelays: null,
      storeFingerprintForResuming: false,
      // Not the file's type: browsers guess it from the name.
      metadata: { filename: file.name, ...(batchId === null ? {} : { batch_id: batchId }) },
      onUploadUrlAvailable: () => upload.url && rememberUpload(file, upload.url),
      onProgress: (sent, total) => {
        if (!placed) ondurable(sent); // the first is where the server wants us to go on
        placed = true;
        onprogress(sent / total);
      },
      onChunkComplete: (_, accepted) => ondurable(accepted),
      onSuccess: () => resolve(upload.url ?? ""),
      onError: (error) => reject(problemOf(error)),
    });
    signal.addEventListener(
      "abort",
      () => {
        void upload.abort(true).catch(() => undefined); // what is left there expires
        reject(new DOMException("cancelled", "AbortError"));
      },
      { once: true },
    );
    upload.start();
  });
}

async function complete(url: string): Promise<Upload> {
  const id = url.slice(url.lastIndexOf("/") + 1);
  return ok(api.POST("/api/uploads/{upload_id}/complete", { params: { path: { upload_id: id } } }));
}

export function problemOf(error: Error): Problem {
  const response = error instanceof DetailedError ? error.originalResponse : null;
  if (!response) return unreachable();
  const status = response.getStatus();
  if (status === 401) signedOut();
  let body: unknown = null;
  try {
    body = JSON.parse(response.getBody());
  } catch {
    // a proxy's page, or the answer to HEAD, which has no body
  }
  return problemFromBody(status, body, response.getHeader("Retry-After") ?? null);
}
