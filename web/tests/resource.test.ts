import { describe, expect, test } from "vitest";
import { unreachable } from "../src/api/problem";
import { Resource } from "../src/lib/resource.svelte";

describe("a thing that is fetched", () => {
  test("is brought up to date, and stays as it is when that fails", async () => {
    let answer = Promise.resolve("old");
    const thing = new Resource(() => answer);
    await thing.load();
    answer = Promise.resolve("new");
    const refreshing = thing.refresh();
    expect(thing.value).toBe("old");
    await refreshing;
    expect(thing.value).toBe("new");
    answer = Promise.reject(unreachable());
    await thing.refresh();
    expect([thing.value, thing.problem, thing.loading]).toEqual(["new", undefined, false]);
  });

  test("is not asked for again before it is there", async () => {
    let asked = 0;
    const thing = new Resource(() => Promise.resolve(++asked));
    const loading = thing.load();
    await thing.refresh();
    await loading;
    expect(asked).toBe(1);
  });

  test("needs no refresh to say what went wrong, and gets over it with one", async () => {
    let answer: Promise<string> = Promise.reject(unreachable());
    const thing = new Resource(() => answer);
    await thing.load();
    await thing.refresh();
    expect(thing.problem).toBeDefined();
    answer = Promise.resolve("here");
    await thing.refresh();
    expect([thing.value, thing.problem]).toEqual(["here", undefined]);
  });
});
