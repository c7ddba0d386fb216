import { createRawSnippet } from "svelte";
import { render } from "svelte/server";
import { describe, expect, test, vi } from "vitest";
import { unreachable } from "../src/api/problem";
import FeedList from "../src/components/FeedList.svelte";
import { en } from "../src/i18n/messages/en";
import { Feed } from "../src/lib/feed.svelte";

vi.hoisted(() => vi.stubGlobal("navigator", { languages: ["en"] })); // Node 20 has none

interface Guest {
  id: string;
}
const name = createRawSnippet<[Guest]>((guest) => ({ render: () => `<p>${guest().id}</p>` }));
const page = (ids: string[], next: string | null = null) => ({
  items: ids.map((id) => ({ id })),
  next_cursor: next,
});
const EMPTY = "Nobody is here.";

function shown(feed: Feed<Guest>): string {
  const props = { feed, labelledby: "guests", empty: EMPTY, entry: name };
  return render(FeedList<Guest>, { props }).body.replace(/<!--.*?-->/g, "");
}

describe("a list that grows by pages", () => {
  test("says that it is loading until the first page is there", async () => {
    const feed = new Feed<Guest>(() => Promise.resolve(page([])));
    const loading = feed.reload();
    expect(shown(feed)).toContain(en.common.loading);
    await loading;
    expect(shown(feed)).toContain(EMPTY);
    expect(shown(feed)).not.toContain(en.common.loading);
  });

  test("shows its entries, named by the heading, and offers what is left", async () => {
    const feed = new Feed<Guest>((cursor) => Promise.resolve(cursor ? page(["bo"]) : page(["al"], "next")));
    await feed.reload();
    expect(shown(feed)).toMatch(/<ul[^>]* aria-labelledby="guests"[^>]*><li><p>al<\/p><\/li><\/ul>/);
    expect(shown(feed)).toContain(en.common.loadMore);
    await feed.more();
    expect(shown(feed)).toContain("<li><p>bo</p></li>");
    expect(shown(feed)).not.toContain(en.common.loadMore);
  });

  test("keeps its entries, and says what went wrong, when a page does not come", async () => {
    let answer = Promise.resolve(page(["al"]));
    const feed = new Feed<Guest>(() => answer);
    await feed.reload();
    answer = Promise.reject(unreachable());
    await feed.reload();
    expect(shown(feed)).toContain(en.common.unreachable);
    expect(shown(feed)).toContain(en.common.retry);
    expect(shown(feed)).toContain("<p>al</p>");
  });
});
