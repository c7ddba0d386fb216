import type { JobState } from "../api/types";

/** How a job's state is coloured; the word always stands beside the colour. */
export function toneOf(state: JobState): "ok" | "bad" | "busy" | "quiet" {
  if (state === "done") return "ok";
  if (state === "failed") return "bad";
  return state === "cancelled" ? "quiet" : "busy";
}

export const isFinal = (state: JobState): boolean =>
  state === "done" || state === "failed" || state === "cancelled";
