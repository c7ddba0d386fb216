import createClient, { type Middleware } from "openapi-fetch";
import { problemFromBody, unreachable } from "./problem";
import type { paths } from "./schema";

export const api = createClient<paths>();

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
