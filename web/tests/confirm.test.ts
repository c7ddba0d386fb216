import { render } from "svelte/server";
import { describe, expect, test, vi } from "vitest";
import Confirm from "../src/components/Confirm.svelte";
import { en } from "../src/i18n/messages/en";

vi.hoisted(() => vi.stubGlobal("navigator", { languages: ["en"] })); // Node 20 has none

const shown = (asked: object): string =>
  render(Confirm, {
    props: {
      title: "Delete it?",
      body: "It is gone for good.",
      confirm: "Delete",
      action: () => Promise.resolve(),
      onclose: vi.fn(),
      ...asked,
    },
  }).body.replace(/<!--.*?-->/g, "");

const DELETE = /<button class="button \w+"([^>]*)>Delete<\/button>/;
const isOffered = (asked: object): boolean => !DELETE.exec(shown(asked))?.[1]?.includes("disabled");

// What typing and checking do is seen in a browser: tests/e2e/page.
describe("a dialog that asks before something is done", () => {
  test("is named by its title, and says what will be", () => {
    const [, id] = /<dialog[^>]* aria-labelledby="([^"]+)"/.exec(shown({})) ?? [];
    expect(shown({})).toMatch(new RegExp(`<h2[^>]* id="${id}"[^>]*>Delete it\\?</h2>`));
    expect(shown({})).toContain("It is gone for good.");
    expect(shown({})).toContain(`>${en.common.cancel}</button>`);
    expect(DELETE.test(shown({}))).toBe(true);
  });

  test.each([
    ["at once", {}, true],
    ["not before a word is typed", { typed: { word: "guests", label: "Type guests" } }, false],
    ["not before a box is checked", { agree: "I know." }, false],
    ["not before its fields are filled", { ready: false }, false],
  ])("lets it be done %s", (_, asked, offered) => {
    expect(isOffered(asked)).toBe(offered);
  });

  test("names the field and the box by what they ask for", () => {
    const asking = shown({ typed: { word: "guests", label: "Type guests" }, agree: "I know." });
    const [, id] = /<label for="([^"]+)"[^>]*>Type guests<\/label>/.exec(asking) ?? [];
    expect(asking).toMatch(new RegExp(`<input id="${id}"`));
    expect(asking).toMatch(/<label[^>]*><input type="checkbox"[^>]*\/?>I know\.<\/label>/);
  });

  test("shows in red what cannot be undone", () => {
    expect(shown({ danger: true })).toContain('class="button danger"');
    expect(shown({})).toContain('class="button primary"');
  });
});
