import type { Actor } from "../../../api/audit";
import { i18n } from "../../../i18n/index.svelte";

/** What somebody who is still there is called. */
export function nameOfActor({ kind, name }: Actor): string {
  const m = i18n.messages.audit;
  if (kind === "user") return name;
  return kind === "key" ? m.keyNamed(name) : m.awsKeyNamed(name);
}
