import type { Failure } from "../../api/types";

export const FAILURE_STATES = ["open", "redriven", "purged"] as const satisfies Failure["state"][];

export function readState(text: string | null): Failure["state"] {
  return FAILURE_STATES.find((state) => state === text) ?? "open";
}
