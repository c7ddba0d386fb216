import type { Comparison, Remodel } from "../api/remodel";

/** The server's, and `back`: switched to the new model, and back again. */
export type Phase = Remodel["state"] | "back";

export const STEPS = ["embed", "compare", "switch", "finish"] as const;
export type Step = (typeof STEPS)[number];

/** After a switch, searches that began before it may be under way for so long: the server waits as well. */
const SETTLES_MS = 5 * 60_000;
const CLOSE = 0.95;

export function phaseOf(change: Remodel): Phase {
  if (change.state === "finishing" || change.state === "switched") return change.state;
  return change.switched_at === null ? change.state : "back";
}

export function stepOf(phase: Phase): Step {
  if (phase === "embedding") return "embed";
  if (phase === "ready") return "compare";
  return phase === "finishing" ? "finish" : "switch";
}

/** Faces that are still to be embedded. */
export const waiting = (change: Remodel): number =>
  Math.max(0, change.faces - change.embedded - change.left_behind);

/** From when on the way back can be given up, in milliseconds; null where it was never switched. */
export const finishableAt = (change: Remodel): number | null =>
  change.switched_at === null ? null : Date.parse(change.switched_at) + SETTLES_MS;

export type Verdict = "nothing" | "silent" | "close" | "apart";

/** `nothing`: no face has vectors of both models; `silent`: neither model found anybody. */
export function verdictOf(found: Comparison): Verdict {
  if (found.queries === 0) return "nothing";
  const agree = found.same_best >= CLOSE && found.same_matches >= CLOSE;
  const nobody = found.same_best === 1 && found.same_matches === 1 && found.similarity_gap === 0;
  if (nobody && found.only_from + found.only_to === 0) return "silent";
  return agree ? "close" : "apart";
}
