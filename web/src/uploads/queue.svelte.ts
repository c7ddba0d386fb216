import { api } from "../api/client";
import { asProblem } from "../api/problem";
import { correctBatch, openBatch, settled } from "./batch";
import { UploadItem, type Stage } from "./item.svelte";
import { JobWatch } from "./jobs";
import type { Picked } from "./pick";
import { RESUMABLE_BYTES, sendResumable } from "./resume";
import { MAX_TRIES, pausesEverything, waitBeforeRetry } from "./retry";
import { send } from "./send";
import type { Upload } from "../api/types";

const AT_ONCE = 3;

/** Everything that was dropped since the list was last cleared, uploaded three at a time. */
class UploadQueue {
  items = $state.raw<UploadItem[]>([]);
  /** Milliseconds since the epoch until which nothing new is started. */
  pausedUntil = $state(0);
  startedAt = 0;
  #sending = 0;
  #nextId = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** How many photos the server was told to expect, by batch. */
  #told = new Map<string, number>();
  #watch = new JobWatch(() => this.items);
  /** Counts the batches that were corrected: what they show is old then. */
  corrections = $state(0);

  constructor() {
    window.addEventListener("online", () => this.#goOn());
  }

  counts = $derived.by(() => {
    const counts: Record<Stage, number> = {
      waiting: 0,
      uploading: 0,
      analysing: 0,
      done: 0,
      problem: 0,
      cancelled: 0,
    };
    for (const item of this.items) counts[item.stage]++;
    return counts;
  });

  get finished(): number {
    return this.counts.done + this.counts.problem;
  }

  get total(): number {
    return this.items.length - this.counts.cancelled;
  }

  get sending(): boolean {
    return this.counts.waiting + this.counts.uploading > 0;
  }

  get busy(): boolean {
    return this.sending || this.counts.analysing > 0;
  }

  /** Adds the files, as one batch when there are several. */
  async add(picked: Picked, batchName: string): Promise<void> {
    const count = picked.files.length;
    const batchId = count > 1 ? await openBatch(picked.folder ?? batchName, count) : null;
    if (!this.busy) this.startedAt = Date.now();
    const kept = this.busy ? this.items : this.items.filter((item) => item.retryable);
    this.items = [...kept, ...picked.files.map((file) => new UploadItem(this.#nextId++, file, batchId))];
    this.#watch.start();
    this.#fill();
  }

  cancel(item: UploadItem): void {
    if (item.finished) return;
    if (item.jobId && item.stage === "analysing") {
      void api
        .POST("/api/jobs/{job_id}/cancel", { params: { path: { job_id: item.jobId } } })
        .catch(() => undefined);
      return;
    }
    item.stage = "cancelled";
    item.file = null;
    item.abort.abort();
  }

  cancelRest(): void {
    for (const item of this.items)
      if (item.stage === "waiting" || item.stage === "uploading") this.cancel(item);
  }

  retry(item: UploadItem): void {
    if (!item.retryable) return;
    if (!this.busy) this.startedAt = Date.now();
    item.reset();
    this.#watch.start();
    this.#fill();
  }

  retryAll(): void {
    for (const item of this.items) this.retry(item);
  }

  clear(): void {
    this.items = this.items.filter((item) => !item.finished);
  }

  /** Tells the server how many photos each batch has after all, once and again when that changes. */
  #settle(): void {
    for (const { id, came, promised } of settled(this.items)) {
      if ((this.#told.get(id) ?? promised) === came) continue;
      this.#told.set(id, came);
      void correctBatch(id, came).then(() => this.corrections++);
    }
  }

  /** The network is back: nobody needs to wait any longer. */
  #goOn(): void {
    this.pausedUntil = 0;
    for (const item of this.items) item.notBefore = 0;
    this.#fill();
  }

  #fill(): void {
    const wait = this.pausedUntil - Date.now();
    if (wait > 0) {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#fill(), wait);
      return;
    }
    for (const item of this.items) {
      if (this.#sending >= AT_ONCE) return;
      if (item.stage === "waiting" && item.notBefore <= Date.now() && item.file)
        void this.#send(item, item.file);
    }
  }

  async #send(item: UploadItem, file: File): Promise<void> {
    this.#sending++;
    item.stage = "uploading";
    item.tries++;
    try {
      const upload = await this.#pass(item, file);
      item.file = null;
      item.duplicate = upload.duplicate ?? false;
      item.photoId = upload.photo.id;
      item.jobId = upload.job.id;
      item.progress = 0;
      item.follow(upload.job);
      this.#watch.catchUp(item);
    } catch (error) {
      this.#failed(item, error);
    } finally {
      this.#sending--;
      this.#fill();
      this.#settle();
    }
  }

  #pass(item: UploadItem, file: File): Promise<Upload> {
    const { batchId, idempotencyKey } = item;
    const signal = item.abort.signal;
    const onprogress = (ratio: number): number => (item.progress = ratio);
    if (file.size < RESUMABLE_BYTES) return send({ file, batchId, idempotencyKey, signal, onprogress });
    const ondurable = (bytes: number): void => item.arrived(bytes);
    return sendResumable({ file, batchId, signal, onprogress, ondurable });
  }

  #failed(item: UploadItem, error: unknown): void {
    if (item.stage === "cancelled") return;
    const problem = asProblem(error);
    // Without a network a try is none: it goes on when the network is back, however long that takes.
    if (!navigator.onLine) item.tries = Math.min(item.tries, MAX_TRIES - 1);
    const wait = waitBeforeRetry(problem, item.tries, Math.random());
    if (wait === null) return item.refused(problem);
    item.stage = "waiting";
    item.progress = 0;
    if (pausesEverything(problem)) this.pausedUntil = Math.max(this.pausedUntil, Date.now() + wait * 1000);
    else {
      item.notBefore = Date.now() + wait * 1000;
      setTimeout(() => this.#fill(), wait * 1000 + 1);
    }
  }
}

export const uploads = new UploadQueue();
