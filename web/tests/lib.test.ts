import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { pickLocale } from "../src/i18n/locales";
import { exposureOf } from "../src/lib/exif";
import { corners, cropAround } from "../src/lib/faces";
import { exportAddress, readFilters, toQuery, writeFilters } from "../src/lib/filters";
import { itemsBelow } from "../src/lib/pages";
import { customRange, presetRange } from "../src/lib/range";
import { href, parseHash } from "../src/lib/route";
import { throttle } from "../src/lib/throttle";

describe("an address", () => {
  test("is read as it was written", () => {
    const route = parseHash(href(["photos", "a/b"], { q: "São Paulo", state: "" }));
    expect(route.path).toEqual(["photos", "a/b"]);
    expect([...route.query]).toEqual([["q", "São Paulo"]]);
  });

  test.each(["", "#", "#/", "#/?"])("%j is the front page", (hash) => {
    expect(parseHash(hash).path).toEqual([]);
  });

  test("survives broken escapes", () => {
    expect(parseHash("#/photos/%E0%A4%A").path).toEqual(["photos", "%E0%A4%A"]);
  });
});

describe("the filters of the history", () => {
  test("come back from the address", () => {
    const filters = readFilters(new URLSearchParams("q=nikon&state=failed&from=2026-01-31&faces=2&batch=b"));
    expect(readFilters(new URLSearchParams(writeFilters(filters)))).toEqual(filters);
  });

  test("ignore what makes no sense", () => {
    const filters = readFilters(new URLSearchParams("state=lost&from=31.1.2026&faces=many"));
    expect(toQuery(filters)).toEqual({});
  });

  test("cover both days", () => {
    const query = toQuery(readFilters(new URLSearchParams("from=2026-01-31&to=2026-01-31")));
    expect(Date.parse(query.to ?? "") - Date.parse(query.from ?? "")).toBe(86_400_000);
  });

  test("know that no face is not at least no face", () => {
    expect(toQuery(readFilters(new URLSearchParams("faces=0")))).toEqual({ max_faces: 0 });
    expect(toQuery(readFilters(new URLSearchParams("faces=3")))).toEqual({ min_faces: 3 });
  });

  test("go along with an export", () => {
    expect(exportAddress({ state: ["done", "failed"], min_faces: 1 }, "csv")).toBe(
      "/api/photos/export?format=csv&state=done&state=failed&min_faces=1",
    );
  });
});

describe("a first page that is fetched again", () => {
  const ids = (...names: string[]): { id: string }[] => names.map((id) => ({ id }));

  test("keeps what is below it", () => {
    expect(itemsBelow(ids("c", "b", "a"), ids("d", "c"))).toEqual(ids("b", "a"));
  });

  test("is not joined over a gap", () => {
    expect(itemsBelow(ids("b", "a"), ids("z", "y"))).toBeNull();
  });
});

describe("a throttled call", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test("runs at once, and once more for all that came meanwhile", () => {
    const run = vi.fn();
    const call = throttle(1000, run);
    call();
    call();
    call();
    expect(run).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(1000);
    expect(run).toHaveBeenCalledTimes(2);
    vi.advanceTimersByTime(5000);
    expect(run).toHaveBeenCalledTimes(2);
  });
});

describe("the language", () => {
  test("is the chosen one, else the first that is known, else English", () => {
    expect(pickLocale("pt-BR", ["en"])).toBe("pt-BR");
    expect(pickLocale(null, ["de-DE", "pt-PT", "en"])).toBe("pt-BR");
    expect(pickLocale("klingon", ["ja"])).toBe("en");
  });
});

describe("a face", () => {
  test("is marked at its four corners", () => {
    expect(corners(0, 0, 100, 100)).toBe("M0 26V0H26M74 0H100V26M100 74V100H74M26 100H0V74");
  });

  test("is cut out as a square around its centre", () => {
    const box = { left: 0.4, top: 0.4, width: 0.2, height: 0.1 };
    expect(cropAround(box, 1000, 1000)).toBe("370 320 260 260");
  });
});

describe("the exposure", () => {
  test("reads as on a camera", () => {
    const exif = { exposure_seconds: 0.004, f_number: 2.8, iso: 400, focal_length_mm: 50 };
    expect(exposureOf(exif)).toBe("1/250 s · f/2.8 · ISO 400 · 50 mm");
    expect(exposureOf({ exposure_seconds: 2.5 })).toBe("2.5 s");
  });

  test("leaves out what is missing or nonsense", () => {
    expect(exposureOf({ exposure_seconds: 0, f_number: "wide", iso: null })).toBe("");
  });
});

describe("the range of a report", () => {
  test("ends now", () => {
    const now = Date.parse("2026-03-10T12:00:00Z");
    expect(presetRange("week", now)).toEqual({
      from: "2026-03-03T12:00:00.000Z",
      to: "2026-03-10T12:00:00.000Z",
      by: "day",
    });
  });

  test.each([
    ["2026-01-01", "2026-01-01", "hour"],
    ["2026-01-01", "2026-02-15", "day"],
    ["2026-01-01", "2026-08-01", "week"],
    ["2024-01-01", "2026-01-01", "month"],
  ])("from %s to %s is grouped by %s", (from, to, by) => {
    expect(customRange(from, to).by).toBe(by);
  });
});
