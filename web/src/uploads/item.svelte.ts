import type { Problem } from "../api/problem";
import type { Job } from "../api/types";
import { newIdempotencyKey } from "./send";

export type Stage = "waiting" | "uploading" | "analysing" | "done" | "problem" | "cancelled";

/** One file on its way: first the bytes, then the analysis. */
export class UploadItem {
  readonly id: number;
  readonly name: string;
  stage = $state<Stage>("waiting");
  /** 0–1 of the bytes while uploading, of the work while analysing. */
  progress = $state(0);
  problem = $state.raw<{ code: string; sentence: string } | null>(null);
  duplicate = $state(false);
  photoId = $state<string | null>(null);
  jobId: string | null = null;
  /** Let go once it has arrived, so that ten thousand photos are not held in memory. */
  file: File | null;
  batchId: string | null;
  tries = 0;
  /** Bytes of a large file that the server has for good. */
  #arrived = 0;
  /** Milliseconds since the epoch before which it is not tried again. */
  notBefore = 0;
  idempotencyKey = newIdempotencyKey();
  abort = new AbortController();

  constructor(id: number, file: File, batchId: string | null) {
    this.id = id;
    this.name = file.name;
    this.file = file;
    this.batchId = batchId;
  }

  get finished(): boolean {
    return this.stage === "done" || this.stage === "problem" || this.stage === "cancelled";
  }

  get retryable(): boolean {
    return this.stage === "problem" && this.file !== null;
  }

  refused(problem: Problem): void {
    this.stage = "problem";
    this.problem = { code: problem.code, sentence: problem.message };
  }

  /** Takes over what the server says of the job. */
  follow(job: Pick<Job, "state" | "progress" | "error">): void {
    if (job.state === "done") this.stage = "done";
    else if (job.state === "cancelled") this.stage = "cancelled";
    else if (job.state === "failed") {
      this.stage = "problem";
      this.problem = job.error;
    } else {
      this.stage = "analysing";
      this.progress = job.progress ?? this.progress;
    }
  }

  /** Bytes that arrived are a success: the next trouble is the first again. */
  arrived(bytes: number): void {
    if (bytes > this.#arrived) this.tries = 1;
    this.#arrived = Math.max(this.#arrived, bytes);
  }

  /** A person tries again: a new request, not a replay of the refused one. */
  reset(): void {
    this.stage = "waiting";
    this.progress = 0;
    this.problem = null;
    this.tries = 0;
    this.notBefore = 0;
    this.idempotencyKey = newIdempotencyKey();
    this.abort = new AbortController();
  }
}
