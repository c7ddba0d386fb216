import { api, ok } from "./api/client";
import type { LiveEvent } from "./api/live.svelte";
import { getPhoto } from "./api/photos";
import type { JobState, Photo } from "./api/types";
import { Feed } from "./lib/feed.svelte";
import { readFilters, toQuery, type Filters } from "./lib/filters";
import { throttle } from "./lib/throttle";

const PAGE = 48;
const REFRESH_EVERY_MS = 1_000;

const STATE_OF: Partial<Record<LiveEvent["type"], JobState>> = {
  "job.queued": "queued",
  "job.started": "running",
  "job.progress": "running",
  "job.retrying": "waiting",
  "job.cancelled": "cancelled",
};

const CHANGES = new Set<LiveEvent["type"]>(["photo.created", "job.done", "job.failed", "resumed"]);

/** The history as last looked at: kept while a photo is open, so that "next" follows the same filters. */
class Library {
  filters = $state.raw<Filters>(readFilters(new URLSearchParams()));
  feed: Feed<Photo> = new Feed((cursor) =>
    ok(api.GET("/api/photos", { params: { query: { ...toQuery(this.filters), limit: PAGE, cursor } } })),
  );
  #refresh = throttle(REFRESH_EVERY_MS, () => void this.feed.refresh());

  show(filters: Filters): void {
    const same = JSON.stringify(filters) === JSON.stringify(this.filters);
    this.filters = filters;
    if (same && this.feed.loaded) void this.feed.refresh();
    else void this.feed.reload();
  }

  /** Small changes are made in place; whatever changes a row for good brings the first page up to date. */
  hear = (event: LiveEvent): void => {
    const state = STATE_OF[event.type];
    if (event.type === "photo.deleted" && event.photo_id) this.feed.remove(event.photo_id);
    else if (state && event.photo_id)
      this.feed.patch(event.photo_id, (photo) => withState(photo, state, event));
    if (CHANGES.has(event.type)) {
      this.#refresh();
      if (event.photo_id && this.#isBelowFirstPage(event.photo_id)) void this.#fetchOne(event.photo_id);
    }
  };

  /** The neighbours of a photo in the list that was last shown. */
  around(id: string): { previous: Photo | undefined; next: Photo | undefined } {
    const at = this.feed.items.findIndex((photo) => photo.id === id);
    if (at < 0) return { previous: undefined, next: undefined };
    if (at >= this.feed.items.length - 2) void this.feed.more();
    return { previous: this.feed.items[at - 1], next: this.feed.items[at + 1] };
  }

  #isBelowFirstPage(id: string): boolean {
    return this.feed.items.findIndex((photo) => photo.id === id) >= PAGE;
  }

  async #fetchOne(id: string): Promise<void> {
    try {
      const fresh = await getPhoto(id);
      this.feed.patch(id, () => fresh);
    } catch {
      // shown again, and right, at the next reload
    }
  }
}

function withState(photo: Photo, state: JobState, event: LiveEvent): Photo {
  if (!photo.job || photo.job.id !== event.job_id) return photo;
  const progress = typeof event.data.progress === "number" ? event.data.progress : photo.job.progress;
  return { ...photo, job: { ...photo.job, state, progress } };
}

export const library = new Library();
