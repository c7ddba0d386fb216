/** What a similarity of 0–100 means. The scale is the server's: each step has a rate of false matches. */

export interface Step {
  similarity: number;
  /** The share of pairs of different people that are this alike or more. */
  false_match_rate: number;
}

export type Word = "same" | "likely" | "maybe" | "unlikely";

const WORDS: [least: number, word: Word][] = [
  [99, "same"],
  [90, "likely"],
  [80, "maybe"],
];

export function wordFor(similarity: number): Word {
  return WORDS.find(([least]) => similarity >= least)?.[1] ?? "unlikely";
}

/** Cut, not rounded: 98.97 is not yet what 99 promises. */
export const shownSimilarity = (similarity: number): number => Math.floor(similarity * 10) / 10;

/** "1 in 10,000": two leading digits say all that was measured. */
export function oneIn(rate: number): number {
  if (rate <= 0) return Infinity;
  const count = 1 / rate;
  const step = 10 ** Math.max(0, Math.floor(Math.log10(count)) - 1);
  return Math.round(count / step) * step;
}

/** The highest step that a similarity reaches; undefined below the first. */
export function stepFor(similarity: number, steps: readonly Step[]): Step | undefined {
  return steps.filter((step) => similarity >= step.similarity).at(-1);
}
