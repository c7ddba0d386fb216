import type { Problem } from "../api/problem";
import { i18n } from "./index.svelte";

/** The sentence for a code in the language of the page, or the server's own where there is none. */
export function sentenceFor(code: string, serverSentence: string): string {
  if (code === "unreachable" || code === "unexpected") return i18n.messages.common[code];
  const known = i18n.messages.problems[code];
  return typeof known === "function" ? known(serverSentence) : (known ?? serverSentence);
}

export function problemSentence(problem: Problem): string {
  return sentenceFor(problem.code, problem.message);
}
