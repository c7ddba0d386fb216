import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { parseRetryAfter, Problem, problemFromBody, unreachable } from "../src/api/problem";
import { secondsLeft } from "../src/uploads/eta";
import { isPhoto, pick } from "../src/uploads/pick";
import { forgetUpload, rememberUpload, rememberedUpload } from "../src/uploads/remembered";
import { MAX_TRIES, pausesEverything, waitBeforeRetry } from "../src/uploads/retry";

const problem = (status: number, retryAfter: number | null = null): Problem =>
  new Problem({ status, code: "x", detail: "x", retryAfter });

describe("an upload that was refused", () => {
  test("waits as long as the server asks", () => {
    expect(waitBeforeRetry(problem(429, 7), 1, 0.5)).toBe(7);
    expect(waitBeforeRetry(problem(503, 120), 3, 0.5)).toBe(120);
  });

  test("waits longer each time when the server does not say", () => {
    const waits = [1, 2, 3, 4, 7].map((tries) => waitBeforeRetry(unreachable(), tries, 0.5));
    expect(waits).toEqual([1, 2, 4, 8, 60]);
  });

  test("is not tried again when the file is at fault, or when it was tried often enough", () => {
    expect(waitBeforeRetry(problem(415), 1, 0.5)).toBeNull();
    expect(waitBeforeRetry(problem(413), 1, 0.5)).toBeNull();
    expect(waitBeforeRetry(problem(503), MAX_TRIES, 0.5)).toBeNull();
  });

  test("waits for the first answer to the same key", () => {
    expect(waitBeforeRetry(problem(409, 1), 1, 0.5)).toBe(1);
    expect(pausesEverything(problem(409))).toBe(false);
  });

  test("pauses the others when the whole server is busy", () => {
    expect(pausesEverything(problem(429))).toBe(true);
    expect(pausesEverything(unreachable())).toBe(true);
    expect(pausesEverything(problem(500))).toBe(false);
  });
});

describe("an upload that was begun", () => {
  const file = { name: "a.jpg", size: 1, lastModified: 2 };
  const store = new Map<string, string>();

  beforeEach(() => {
    store.clear();
    vi.stubGlobal("localStorage", {
      getItem: (key: string) => store.get(key) ?? null,
      setItem: (key: string, value: string) => store.set(key, value),
      removeItem: (key: string) => store.delete(key),
    });
  });
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });

  test("is remembered for its file, and no other", () => {
    rememberUpload(file, "/one");
    rememberUpload(file, "/two");
    expect(rememberedUpload(file)).toBe("/two");
    expect(rememberedUpload({ ...file, lastModified: 3 })).toBeNull();
    forgetUpload(file);
    expect([rememberedUpload(file), store.size]).toEqual([null, 0]);
  });

  test("is forgotten after a day, as the server does", () => {
    vi.useFakeTimers({ now: 0 });
    rememberUpload(file, "/one");
    vi.setSystemTime(24 * 3600 * 1000 + 1);
    expect(rememberedUpload(file)).toBeNull();
  });

  test("is sent from its beginning where nothing can be remembered", () => {
    store.set("fotofila.uploads", "{broken");
    expect(rememberedUpload(file)).toBeNull();
    vi.stubGlobal("localStorage", undefined);
    rememberUpload(file, "/one");
    expect(rememberedUpload(file)).toBeNull();
  });
});

describe("a problem", () => {
  test("is read from its body", () => {
    const read = problemFromBody(413, { code: "too_large", detail: "Send a smaller one." }, null);
    expect([read.status, read.code, read.message]).toEqual([413, "too_large", "Send a smaller one."]);
  });

  test("survives a body that is none", () => {
    expect(problemFromBody(502, null, null).message).toBe("HTTP 502");
    expect(problemFromBody(502, "<html>", "5").retryAfter).toBe(5);
  });

  test("reads Retry-After as seconds and as a date", () => {
    const now = Date.parse("2026-01-01T00:00:00Z");
    expect(parseRetryAfter("12", now)).toBe(12);
    expect(parseRetryAfter("Thu, 01 Jan 2026 00:00:30 GMT", now)).toBe(30);
    expect(parseRetryAfter("Wed, 31 Dec 2025 00:00:00 GMT", now)).toBe(0);
    expect(parseRetryAfter("soon", now)).toBeNull();
    expect(parseRetryAfter(null, now)).toBeNull();
  });
});

describe("the time that is left", () => {
  test("follows the pace so far", () => {
    expect(secondsLeft(10, 30, 0, 20_000)).toBe(40);
  });

  test("is not told on too little evidence", () => {
    expect(secondsLeft(1, 30, 0, 20_000)).toBeNull();
    expect(secondsLeft(10, 30, 0, 500)).toBeNull();
    expect(secondsLeft(30, 30, 0, 20_000)).toBeNull();
  });
});

describe("what was dropped", () => {
  const file = (name: string, type = ""): File => new File(["x"], name, { type });

  test("is a photo by its name or its type", () => {
    const names = ["a.JPG", "b.heic", "c.tiff", "d.webp", "e.avif", "f.png"];
    expect(names.every((name) => isPhoto({ name, type: "" }))).toBe(true);
    expect(isPhoto({ name: "pasted", type: "image/png" })).toBe(true);
    expect(isPhoto({ name: "._DSC_1.jpg", type: "image/jpeg" })).toBe(false);
    expect(isPhoto({ name: "a.xmp", type: "" })).toBe(false);
  });

  test("loses sidecars when it was a folder", () => {
    const picked = pick([file("a.jpg"), file("a.xmp"), file(".DS_Store")], "Wedding", true);
    expect(picked.files.map((one) => one.name)).toEqual(["a.jpg"]);
    expect(picked.skipped).toBe(2);
  });

  test("is sent as it is when it was named one by one, so that the server can say what is wrong", () => {
    expect(pick([file("raw.nef")], null, false).files).toHaveLength(1);
  });
});
