import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { AuditEntry } from "../src/api/audit";
import type { Comparison, Remodel } from "../src/api/remodel";
import { ACTIONS, exportAddress, FAMILIES, readFilters, titleKey, toQuery } from "../src/lib/audit";
import { canonical, linesOf, verifyChain, type Verified } from "../src/lib/chain";
import { readReceipt } from "../src/lib/receipt";
import { finishableAt, phaseOf, verdictOf, waiting } from "../src/lib/remodel";
import { en } from "../src/i18n/messages/en";
import { ptBR } from "../src/i18n/messages/pt-BR";

// As `GET /api/audit/export?format=chain` gives it: entry 3 is of another workspace, a checkpoint follows entry 4.
const LINES = readFileSync(new URL("chain.jsonl", import.meta.url), "utf8")
  .trim()
  .split("\n");
const CHECKPOINT = 4;
const AUDIT_LOG = readFileSync(new URL("../../docs/explanation/audit-log.md", import.meta.url), "utf8");

async function* each(lines: string[]): AsyncGenerator<string> {
  yield* lines;
}

const follow = (lines: string[]): Promise<Verified> => verifyChain(each(lines));
const without = (index: number): string[] => LINES.filter((_, place) => place !== index);
const changed = (index: number, from: string, to: string): string[] =>
  LINES.map((line, place) => (place === index ? line.replace(from, to) : line));

describe("the chain of the audit log", () => {
  test("that the server wrote is whole, with the entries of others and a signature", async () => {
    expect(await follow(LINES)).toMatchObject({
      entries: 5,
      checkpoints: 1,
      unchecked: 0,
      signedUntil: 4,
      broken: null,
    });
  });

  test.each([
    ["an entry was changed", changed(1, '"new":1', '"new":2'), 2, "changed"],
    [
      "what another workspace's entry says was changed",
      changed(2, '"digest":"', '"digest":"0'),
      3,
      "changed",
    ],
    ["an entry is gone", without(1), 2, "removed"],
    ["two entries changed places", [LINES[1] ?? "", LINES[0] ?? ""], 1, "removed"],
    ["signed entries are gone from the end", [...LINES.slice(0, 3), LINES[CHECKPOINT] ?? ""], 4, "cut_off"],
    ["a checkpoint was changed", changed(CHECKPOINT, '"at":"2026', '"at":"2027'), 4, "bad_checkpoint"],
  ])("is broken where %s", async (_, lines, sequence, fault) => {
    expect((await follow(lines)).broken).toEqual({ sequence, fault });
  });

  test("that was pruned begins where the pruning says", async () => {
    const { hash } = JSON.parse(LINES[1] ?? "") as { hash: string };
    const pruning = canonical({
      format: "fotofila-pruning/1",
      sequence: 2,
      previous_sequence: 2,
      hash,
      key_id: "elsewhere",
    });
    expect(await follow([pruning, ...LINES.slice(2)])).toMatchObject({
      entries: 3,
      prunedUntil: 2,
      broken: null,
    });
    expect((await follow(LINES.slice(2))).broken).toEqual({ sequence: 1, fault: "removed" });
  });

  test("is read line by line, wherever the pieces end", async () => {
    const bytes = new TextEncoder().encode(LINES.join("\n"));
    const pieces = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let at = 0; at < bytes.length; at += 7) controller.enqueue(bytes.slice(at, at + 7));
        controller.close();
      },
    });
    const read: string[] = [];
    for await (const line of linesOf(pieces)) read.push(line);
    expect(read).toEqual(LINES);
  });
});

describe("the filters of the audit log", () => {
  const read = (text: string): ReturnType<typeof readFilters> => readFilters(new URLSearchParams(text));

  test("take whole days, the last one included", () => {
    const query = toQuery(read("action=faces&from=2026-02-28&to=2026-02-28"));
    expect(query.action).toBe("faces");
    expect(query.from).toBe(new Date(2026, 1, 28).toISOString());
    expect(query.to).toBe(new Date(2026, 2, 1).toISOString());
  });

  test("leave out what is no day", () => {
    expect(toQuery(read("from=yesterday&subject=guests"))).toEqual({ subject: "guests" });
  });

  test("narrow a download, but never the chain", () => {
    const filters = read("action=faces.search");
    expect(exportAddress(filters, "csv")).toBe("/api/audit/export?format=csv&action=faces.search");
    expect(exportAddress(filters, "chain")).toBe("/api/audit/export?format=chain");
  });
});

describe("what an entry tells", () => {
  const offered = FAMILIES.flatMap((family) => ACTIONS[family].map((verb) => `${family}.${verb}`));

  test.each([
    ["en", en],
    ["pt-BR", ptBR],
  ])("has a sentence for every action that the filter offers: %s", (_, { audit }) => {
    expect(offered.filter((action) => !audit.titles[action])).toEqual([]);
    expect(Object.keys(audit.titles)).toEqual(Object.keys(en.audit.titles));
  });

  test("is offered by the filter where the documentation names it", () => {
    const rows = AUDIT_LOG.matchAll(/^\| `(\w+)\.(\w+)`(.*?)\|/gm);
    const named = [...rows].flatMap(([, family, first, others]) => {
      const more = [...(others ?? "").matchAll(/`\.(\w+)`/g)].map(([, verb]) => verb);
      return [first, ...more].map((verb) => `${family}.${verb}`);
    });
    expect(named).toContain("collection.erase");
    expect(named.filter((action) => !offered.includes(action))).toEqual([]);
  });

  test.each([
    ["collection.switch", { switched_on: true }, "Recognition switched on"],
    ["collection.switch", { from: "a", to: "b" }, "Model switched"],
    ["workspace.switch", { face_recognition: false }, "Face recognition switched off"],
    ["collection.remodel", { what: "abandon" }, "Change of model given up"],
    ["faces.search", { matches: [] }, "Searched for faces"],
  ])("%s %j is said in words", (action, detail, sentence) => {
    expect(en.audit.titles[titleKey({ action, detail } as Pick<AuditEntry, "action" | "detail">)]).toBe(
      sentence,
    );
  });
});

describe("a change of model", () => {
  const change = (fields: Partial<Remodel>): Remodel => ({
    collection: "guests",
    model: "old",
    from_model: "old",
    to_model: "new",
    state: "embedding",
    faces: 10,
    embedded: 6,
    left_behind: 1,
    progress: 0.7,
    started_at: "2026-02-01T09:00:00Z",
    switched_at: null,
    ...fields,
  });

  test("that was switched and rolled back is neither ready nor switched", () => {
    expect(phaseOf(change({ state: "ready" }))).toBe("ready");
    expect(phaseOf(change({ state: "ready", switched_at: "2026-02-01T10:00:00Z" }))).toBe("back");
    expect(phaseOf(change({ state: "switched", switched_at: "2026-02-01T10:00:00Z" }))).toBe("switched");
  });

  test("says what is left, and from when it can be finished", () => {
    expect(waiting(change({}))).toBe(3);
    expect(finishableAt(change({}))).toBeNull();
    const at = finishableAt(change({ switched_at: "2026-02-01T10:00:00Z" }));
    expect(new Date(at ?? 0).toISOString()).toBe("2026-02-01T10:05:00.000Z");
  });

  test.each([
    [{ queries: 0 }, "nothing"],
    [{}, "silent"],
    [{ same_best: 0.98, same_matches: 0.96, similarity_gap: 1.2 }, "close"],
    [{ same_best: 0.98, same_matches: 0.5, only_to: 12 }, "apart"],
  ])("compared as %j is judged %s", (fields, verdict) => {
    const found: Comparison = {
      from_model: "old",
      to_model: "new",
      threshold: 80,
      queries: 10,
      same_best: 1,
      same_matches: 1,
      only_from: 0,
      only_to: 0,
      similarity_gap: 0,
      ...fields,
    };
    expect(verdictOf(found)).toBe(verdict);
  });
});

test("a receipt is read, also where parts of it are missing", () => {
  const erased = [{ collection: "guests", counts: { faces: 2 }, user_ids: ["ana"], face_ids: ["a", "b"] }];
  const read = readReceipt({
    at: "2026-02-01T09:00:00Z",
    asked: { user_id: "ana" },
    erased,
    audit: { sequence: 7 },
  });
  expect(read.asked).toEqual([["user_id", "ana"]]);
  expect(read.erased).toMatchObject([{ collection: "guests", faces: 2, whole: false }]);
  expect([read.entry, read.reason, read.keyId]).toEqual([7, null, ""]);
  expect(readReceipt({}).erased).toEqual([]);
});
