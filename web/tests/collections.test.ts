import { describe, expect, test } from "vitest";
import { externalIdOf } from "../src/lib/external";
import { leftOutFaces } from "../src/lib/left-out";
import { oneIn, shownSimilarity, stepFor, wordFor } from "../src/lib/similarity";

describe("a similarity", () => {
  test.each([
    [100, "same"],
    [99, "same"],
    [98.99, "likely"],
    [90, "likely"],
    [80, "maybe"],
    [79.99, "unlikely"],
    [0, "unlikely"],
  ])("of %d is said in words", (value, word) => {
    expect(wordFor(value)).toBe(word);
  });

  test("is never shown higher than it is", () => {
    expect(shownSimilarity(98.97)).toBe(98.9);
    expect(shownSimilarity(100)).toBe(100);
  });

  test.each([
    [0.001, 1000],
    [0.00001, 100_000],
    [0.000123, 8100],
    [0.5, 2],
    [0, Infinity],
  ])("with the rate %d is one in %d", (rate, count) => {
    expect(oneIn(rate)).toBe(count);
  });

  const steps = [
    { similarity: 80, false_match_rate: 0.001 },
    { similarity: 99, false_match_rate: 0.00001 },
  ];

  test("has the rate of the highest step that it reaches", () => {
    expect(stepFor(79, steps)).toBeUndefined();
    expect(stepFor(98.9, steps)?.similarity).toBe(80);
    expect(stepFor(99, steps)?.similarity).toBe(99);
  });
});

describe("the external id of a file", () => {
  test.each([
    ["maria-silva.jpg", "maria-silva"],
    ["João Conceição (2).JPG", "Joao-Conceicao-2"],
    ["a:b_c.d.heic", "a:b_c.d"],
    ["写真.jpg", null],
    [".jpg", null],
  ])("%s is %s", (name, id) => {
    expect(externalIdOf(name)).toBe(id);
  });

  test("is not longer than the server takes", () => {
    expect(externalIdOf(`${"x".repeat(400)}.jpg`)).toHaveLength(255);
  });
});

describe("faces that were left out", () => {
  const at = (left: number): { bounding_box: { left: number } } => ({ bounding_box: { left } });

  test("are counted from the left among all faces of the photo", () => {
    const outcome = {
      faces: [{ face: at(0.5) }, { face: at(0.1) }],
      left_out: [
        { face: at(0.9), reasons: ["LOW_SHARPNESS"] },
        { face: at(0.3), reasons: ["SMALL_BOUNDING_BOX", "EXTREME_POSE"] },
      ],
    };
    expect(leftOutFaces(outcome)).toEqual([
      { index: 2, reasons: ["SMALL_BOUNDING_BOX", "EXTREME_POSE"] },
      { index: 4, reasons: ["LOW_SHARPNESS"] },
    ]);
  });
});
