import { describe, expect, test } from "vitest";
import { layOut } from "../src/plots/gantt";
import { labelEvery, ticks } from "../src/plots/scale";

describe("the ticks of an axis", () => {
  test.each([
    [0, [0, 1]],
    [1, [0, 1]],
    [3, [0, 1, 2, 3]],
    [29, [0, 10, 20, 30]],
    [100, [0, 50, 100]],
    [7321, [0, 2000, 4000, 6000, 8000]],
  ])("up to %d are round", (max, expected) => {
    expect(ticks(max)).toEqual(expected);
  });
});

test("labels are thinned out to the room there is", () => {
  expect(labelEvery(30, 600, 60)).toBe(3);
  expect(labelEvery(5, 600, 60)).toBe(1);
  expect(labelEvery(30, 10, 60)).toBe(30);
});

describe("a timeline", () => {
  test("lays its steps out one after the other", () => {
    expect(layOut([0, 25, 75])).toEqual([
      { start: 0, length: 0 },
      { start: 0, length: 0.25 },
      { start: 0.25, length: 0.75 },
    ]);
  });

  test("without any time has no length, and clocks that disagree do not turn it around", () => {
    expect(layOut([0, 0])).toEqual([
      { start: 0, length: 0 },
      { start: 0, length: 0 },
    ]);
    expect(layOut([-5, 10])).toEqual([
      { start: 0, length: 0 },
      { start: 0, length: 1 },
    ]);
  });
});
