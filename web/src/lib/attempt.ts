import { asProblem } from "../api/problem";
import { problemSentence } from "../i18n/sentence.svelte";
import { toasts } from "./toasts.svelte";

/** Runs what a button asked for and says how it went; true when it succeeded. */
export async function attempt(action: () => Promise<unknown>, sentence?: string): Promise<boolean> {
  try {
    await action();
    if (sentence) toasts.say(sentence);
    return true;
  } catch (error) {
    toasts.say(problemSentence(asProblem(error)), "bad");
    return false;
  }
}
