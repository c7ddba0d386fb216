import { asProblem, type Problem } from "../api/problem";
import type { Page } from "../api/types";
import { itemsBelow } from "./pages";

type Fetch<T> = (cursor: string | undefined) => Promise<Page<T>>;

/** A list that grows by cursor pages. */
export class Feed<T extends { id: string }> {
  items = $state.raw<T[]>([]);
  problem = $state.raw<Problem | undefined>();
  loading = $state(false);
  loaded = $state(false);
  #cursor = $state.raw<string | undefined>();
  #turn = 0;
  #fetch: Fetch<T>;

  constructor(fetch: Fetch<T>) {
    this.#fetch = fetch;
  }

  get hasMore(): boolean {
    return this.#cursor !== undefined;
  }

  /** Starts over, for instance because the filters changed. */
  reload = async (): Promise<void> => {
    await this.#run(undefined, (page) => {
      this.items = page.items;
      this.#cursor = page.next_cursor ?? undefined;
    });
  };

  more = async (): Promise<void> => {
    if (this.loading || !this.hasMore) return;
    await this.#run(this.#cursor, (page) => {
      const known = new Set(this.items.map((item) => item.id));
      this.items = [...this.items, ...page.items.filter((item) => !known.has(item.id))];
      this.#cursor = page.next_cursor ?? undefined;
    });
  };

  /** Brings the first page up to date and leaves what is below it in place. */
  refresh = async (): Promise<void> => {
    const turn = this.#turn;
    try {
      const page = await this.#fetch(undefined);
      if (turn !== this.#turn) return;
      const below = itemsBelow(this.items, page.items);
      if (below && page.next_cursor) this.items = [...page.items, ...below];
      else {
        this.items = page.items;
        this.#cursor = page.next_cursor ?? undefined;
      }
    } catch {
      // The next event tries again, and what is on the screen stays true enough until then.
    }
  };

  patch(id: string, change: (item: T) => T): void {
    if (this.items.some((item) => item.id === id)) {
      this.items = this.items.map((item) => (item.id === id ? change(item) : item));
    }
  }

  remove(id: string): void {
    this.items = this.items.filter((item) => item.id !== id);
  }

  async #run(cursor: string | undefined, take: (page: Page<T>) => void): Promise<void> {
    const turn = ++this.#turn;
    this.loading = true;
    try {
      const page = await this.#fetch(cursor);
      if (turn !== this.#turn) return;
      take(page);
      this.problem = undefined;
      this.loaded = true;
    } catch (error) {
      if (turn === this.#turn) this.problem = asProblem(error);
    } finally {
      if (turn === this.#turn) this.loading = false;
    }
  }
}
