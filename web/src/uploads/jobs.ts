import { api, ok } from "../api/client";
import { live, type LiveEvent } from "../api/live.svelte";
import type { Job, JobError } from "../api/types";
import type { UploadItem } from "./item.svelte";

const LOOK_EVERY_MS = 5_000;
const LOOK_AT = 3;
const REMEMBERED = 2_000;

/** Follows the jobs of uploaded photos: by events, and by asking when events stay away. */
export class JobWatch {
  #items: () => UploadItem[];
  #started = false;
  #heardAt = 0;
  /** A quick worker may be done before the upload's own answer is here, or that of its copy. */
  #early = new Map<string, LiveEvent>();

  constructor(items: () => UploadItem[]) {
    this.#items = items;
  }

  start(): void {
    if (this.#started) return;
    this.#started = true;
    live.subscribe((event) => this.#hear(event));
    setInterval(() => void this.#look(), LOOK_EVERY_MS);
  }

  catchUp(item: UploadItem): void {
    const event = item.jobId ? this.#early.get(item.jobId) : undefined;
    if (event) this.#apply(item, event);
  }

  #hear(event: LiveEvent): void {
    if (!event.job_id) return;
    this.#heardAt = Date.now();
    // A photo that was chosen twice has one job.
    for (const item of this.#items()) if (item.jobId === event.job_id) this.#apply(item, event);
    if (event.type === "job.progress") return;
    this.#early.set(event.job_id, event);
    const oldest = this.#early.keys().next();
    if (this.#early.size > REMEMBERED && !oldest.done) this.#early.delete(oldest.value);
  }

  #apply(item: UploadItem, event: LiveEvent): void {
    if (item.finished) return;
    if (event.type === "job.done") item.follow({ state: "done", progress: 1, error: null });
    else if (event.type === "job.cancelled") item.follow({ state: "cancelled", progress: null, error: null });
    else if (event.type === "job.failed") {
      item.follow({ state: "failed", progress: null, error: (event.data.error ?? null) as JobError | null });
    } else if (typeof event.data.progress === "number") item.progress = event.data.progress;
  }

  async #ask(item: UploadItem): Promise<void> {
    if (!item.jobId) return;
    try {
      const job: Job = await ok(api.GET("/api/jobs/{job_id}", { params: { path: { job_id: item.jobId } } }));
      item.follow(job);
    } catch {
      // asked again at the next look
    }
  }

  async #look(): Promise<void> {
    if (Date.now() - this.#heardAt < LOOK_EVERY_MS) return;
    const open = this.#items().filter((item) => item.stage === "analysing");
    await Promise.all(open.slice(0, LOOK_AT).map((item) => this.#ask(item)));
  }
}
