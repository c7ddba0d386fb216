import { indexFaces, type Collection, type Indexed, type IndexOptions } from "../api/collections";
import { asProblem, type Problem } from "../api/problem";
import { externalIdOf } from "../lib/external";
import { waitBeforeRetry } from "../uploads/retry";

export type Stage = "waiting" | "sending" | "looking" | "done" | "problem";

export interface Wish extends Omit<IndexOptions, "externalId"> {
  /** Name the faces after their file. */
  names: boolean;
}

/** One photo whose faces are being added. */
export class AddItem {
  readonly id: number;
  readonly file: File;
  readonly wish: Wish;
  stage = $state<Stage>("waiting");
  /** 0–1 of the bytes. */
  progress = $state(0);
  outcome = $state.raw<Indexed | null>(null);
  problem = $state.raw<Problem | null>(null);

  constructor(id: number, file: File, wish: Wish) {
    this.id = id;
    this.file = file;
    this.wish = wish;
  }

  get over(): boolean {
    return this.stage === "done" || this.stage === "problem";
  }
}

// Finding faces keeps one core busy for each photo; a second one is sent meanwhile.
const AT_ONCE = 2;

/** Adds photos to one collection, in the order in which they were given. */
export class Adding {
  items = $state<AddItem[]>([]);
  over = $derived(this.items.filter((item) => item.over).length);
  busy = $derived(this.over < this.items.length);
  added = $derived(this.items.reduce((sum, item) => sum + (item.outcome?.faces.length ?? 0), 0));
  leftOut = $derived(this.items.reduce((sum, item) => sum + (item.outcome?.left_out.length ?? 0), 0));
  #collection: string;
  #listener: () => void = () => undefined;
  #running = 0;
  #next = 0;

  constructor(collection: string) {
    this.#collection = collection;
  }

  /** Tells of faces that were added; returns the function that ends it. */
  listen(listener: () => void): () => void {
    this.#listener = listener;
    return () => (this.#listener = () => undefined);
  }

  add(files: File[], wish: Wish): void {
    this.items.push(...files.map((file) => new AddItem(this.#next++, file, wish)));
    this.#fill();
  }

  retry(item: AddItem): void {
    item.stage = "waiting";
    item.problem = null;
    this.#fill();
  }

  clear(): void {
    this.items = this.items.filter((item) => !item.over);
  }

  #fill(): void {
    while (this.#running < AT_ONCE) {
      const item = this.items.find((each) => each.stage === "waiting");
      if (!item) return;
      this.#running++;
      item.stage = "sending";
      void this.#work(item).finally(() => {
        this.#running--;
        if (item.outcome) this.#listener();
        this.#fill();
      });
    }
  }

  async #work(item: AddItem): Promise<void> {
    const { names, ...options } = item.wish;
    const externalId = names ? externalIdOf(item.file.name) : null;
    for (let tries = 1; ; tries++) {
      item.stage = "sending";
      item.progress = 0;
      try {
        item.outcome = await indexFaces(this.#collection, item.file, { ...options, externalId }, (ratio) => {
          item.progress = ratio;
          if (ratio === 1) item.stage = "looking";
        });
        item.stage = "done";
        return;
      } catch (error) {
        const problem = asProblem(error);
        const wait = waitBeforeRetry(problem, tries, Math.random());
        if (wait === null) {
          item.problem = problem;
          item.stage = "problem";
          return;
        }
        await new Promise((resolve) => setTimeout(resolve, wait * 1000));
      }
    }
  }
}

const underWay = new Map<string, Adding>();

/** What is being added to a collection: it goes on while other parts of the page are looked at. */
export function addingTo({ id, name }: Collection): Adding {
  const known = underWay.get(id) ?? new Adding(name);
  underWay.set(id, known);
  return known;
}
