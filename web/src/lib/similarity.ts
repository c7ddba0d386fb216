/** What a similarity of 0–100 means. */

// The scale of the server, the same for every model: 80 is where 1 of 1,000 pairs of different people are as similar,
// 99 where 1 of 100,000 are; the logit is linear in the logarithm of that rate (docs/explanation/collections.md).
const LOGIT_80 = logit(80);
const DECADES_80 = 3;
const LOGIT_A_DECADE = (logit(99) - LOGIT_80) / 2;
// There were not enough photos of different people to count rarer matches.
const RAREST_DECADES = 5;

/** Whether similarity has that meaning: not of faces that are kept at AWS, where it is what Amazon means by it. */
export const hasRates = (model: string): boolean => !model.startsWith("rekognition");

export type Word = "same" | "likely" | "maybe" | "unlikely";

export const STEPS = [80, 95, 99] as const;

const WORDS: [least: number, word: Word][] = [
  [99, "same"],
  [95, "likely"],
  [80, "maybe"],
];

export function wordFor(similarity: number): Word {
  return WORDS.find(([least]) => similarity >= least)?.[1] ?? "unlikely";
}

/** Cut, not rounded: 98.97 is not yet what 99 promises. */
export const shownSimilarity = (similarity: number): number => Math.floor(similarity * 10) / 10;

/** Of how many pairs of different people one is this similar or more, to one digit; at most 100,000. */
export function oneIn(similarity: number): number {
  const decades = DECADES_80 + (logit(similarity) - LOGIT_80) / LOGIT_A_DECADE;
  const count = 10 ** Math.min(RAREST_DECADES, Math.max(0, decades));
  const step = 10 ** Math.floor(Math.log10(count) + 1e-9);
  return Math.round(count / step) * step;
}

/** Whether fewer pairs than `oneIn` says are this similar: how few, nobody has counted. */
export const isRarer = (similarity: number): boolean => similarity > 99;

function logit(similarity: number): number {
  return Math.log(similarity / (100 - similarity));
}
