import createClient, { type Middleware } from "openapi-fetch";
import { parseRetryAfter, problemFromBody, unreachable } from "./problem";
import type { paths } from "./schema";

export const api = createClient<paths>({ fetch: patientFetch });

export const MOST_TRIES = 3;
export const LONGEST_WAIT_SECONDS = 10;

/** Reads are tried again when the server is busy for a moment; whatever changes something is left to its caller. */
async function patientFetch(request: Request): Promise<Response> {
  for (let tries = 1; ; tries++) {
    const response = await fetch(request.clone());
    const wait = parseRetryAfter(response.headers.get("Retry-After"), Date.now());
    const busy = response.status === 429 || response.status === 503;
    const again = request.method === "GET" && busy && tries < MOST_TRIES;
    if (!again || wait === null || wait > LONGEST_WAIT_SECONDS) return response;
    await new Promise((resolve) => setTimeout(resolve, wait * 1000));
  }
}

let onSignedOut: () => void = () => undefined;

/** Called when the server no longer knows our session. */
export function whenSignedOut(callback: () => void): void {
  onSignedOut = callback;
}

export function signedOut(): void {
  onSignedOut();
}

const watchSession: Middleware = {
  onResponse({ request, response }) {
    const path = new URL(request.url).pathname;
    if (response.status === 401 && !path.startsWith("/api/session")) signedOut();
  },
};

api.use(watchSession);

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The body of a successful answer; throws `Problem` for everything else. */
export async function ok<T>(call: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>;
  try {
    answer = await call;
  } catch {
    throw unreachable();
  }
  if (!answer.response.ok) {
    throw problemFromBody(answer.response.status, answer.error, answer.response.headers.get("Retry-After"));
  }
  return answer.data as T;
}
