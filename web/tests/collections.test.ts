import { describe, expect, test } from "vitest";
import { externalIdOf } from "../src/lib/external";
import { leftOutFaces } from "../src/lib/left-out";
import { hasRates, oneIn, shownSimilarity, wordFor } from "../src/lib/similarity";

describe("a similarity", () => {
  test.each([
    [100, "same"],
    [99, "same"],
    [98.99, "likely"],
    [95, "likely"],
    [94.9, "maybe"],
    [80, "maybe"],
    [79.99, "unlikely"],
    [0, "unlikely"],
  ])("of %d is said in words", (value, word) => {
    expect(wordFor(value)).toBe(word);
  });

  test("says nothing of strangers where AWS keeps the faces", () => {
    expect(hasRates("sface-2021dec-bytes")).toBe(true);
    expect(hasRates("rekognition-7.0")).toBe(false);
  });

  test("is never shown higher than it is", () => {
    expect(shownSimilarity(98.97)).toBe(98.9);
    expect(shownSimilarity(100)).toBe(100);
  });

  test.each([
    [80, 1_000],
    [95, 9_000],
    [99, 100_000],
    [100, 100_000],
    [50, 100],
    [0, 1],
  ])("of %d is reached by 1 of %d pairs of strangers", (value, count) => {
    expect(oneIn(value)).toBe(count);
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
