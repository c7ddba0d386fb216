import type { Problem } from "../api/problem";

export const MAX_TRIES = 8;
const FIRST_WAIT_SECONDS = 1;
const LONGEST_WAIT_SECONDS = 60;

/**
 * Seconds to wait before the same upload is tried again; null when a person must decide.
 *
 * `tries` counts the attempts made so far (1 after the first). The server's Retry-After is obeyed as it is; otherwise
 * the wait doubles from one second to a minute, spread by `random` (0–1) so that browsers do not return together.
 */
export function waitBeforeRetry(problem: Problem, tries: number, random: number): number | null {
  if (tries >= MAX_TRIES) return null;
  // The same Idempotency-Key is still being worked on: the first answer is on its way.
  const stillRunning = problem.status === 409;
  if (!problem.transient && !stillRunning) return null;
  if (problem.retryAfter !== null) return problem.retryAfter;
  const wait = Math.min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** (tries - 1));
  return wait * (0.75 + random / 2);
}

/** These say that the whole server is busy, so that every waiting upload pauses, not only the one that was refused. */
export const pausesEverything = (problem: Problem): boolean =>
  problem.status === 0 || problem.status === 429 || problem.status === 503;
