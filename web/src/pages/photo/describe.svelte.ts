import type { Face } from "../../api/types";
import { percent } from "../../i18n/format.svelte";
import { i18n } from "../../i18n/index.svelte";

const SYMBOLS = { female: "♀", male: "♂" } as const;

type Estimates = Pick<Face, "age_range" | "apparent_gender" | "confidence">;

/** What stands under the box: "♀ 25–33". */
export function shortLabel(face: Face): string {
  const ages = face.age_range ? i18n.messages.photo.agesShort(face.age_range.low, face.age_range.high) : "";
  const symbol = face.apparent_gender ? SYMBOLS[face.apparent_gender.value] : "";
  return `${symbol} ${ages}`.trim();
}

/** The same as a sentence, for the list and for screen readers. */
export function describeFace(face: Estimates): string {
  const m = i18n.messages.photo;
  const parts = [
    face.age_range ? m.ages(face.age_range.low, face.age_range.high) : null,
    face.apparent_gender ? m[face.apparent_gender.value] : null,
  ].filter((part) => part !== null);
  return parts.length > 0 ? parts.join(", ") : m.certain(percent(face.confidence));
}
