/** The server's events as they happen, over one EventSource for the whole page. */

export const EVENT_TYPES = [
  "photo.created",
  "photo.deleted",
  "job.queued",
  "job.started",
  "job.progress",
  "job.retrying",
  "job.done",
  "job.failed",
  "job.cancelled",
  "batch.done",
] as const;

export type EventType = (typeof EVENT_TYPES)[number];

export interface LiveEvent {
  id: number | string;
  type: EventType;
  at: string;
  photo_id: string | null;
  job_id: string | null;
  batch_id: string | null;
  data: Record<string, unknown>;
}

type Listener = (event: LiveEvent) => void;

// A dropped connection usually returns at once; only a longer silence is worth a notice.
const NOTICE_AFTER_MS = 4_000;
const REOPEN_AFTER_MS = 5_000;

class Live {
  /** False once the stream has been away for long enough that a person should know. */
  connected = $state(true);
  #source: EventSource | null = null;
  #listeners = new Set<Listener>();
  #notice: ReturnType<typeof setTimeout> | undefined;
  #reopen: ReturnType<typeof setTimeout> | undefined;
  #lastId = "";

  open(): void {
    if (this.#source) return;
    const resume = this.#lastId ? `?last_event_id=${encodeURIComponent(this.#lastId)}` : "";
    const source = new EventSource(`/api/events${resume}`);
    this.#source = source;
    source.onopen = () => this.#opened();
    source.onerror = () => this.#dropped(source);
    for (const type of EVENT_TYPES) source.addEventListener(type, (message) => this.#receive(message));
  }

  close(): void {
    clearTimeout(this.#notice);
    clearTimeout(this.#reopen);
    this.#source?.close();
    this.#source = null;
    this.#lastId = "";
    this.connected = true;
  }

  /** Returns the function that ends the subscription. */
  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #opened(): void {
    clearTimeout(this.#notice);
    this.#notice = undefined;
    this.connected = true;
  }

  #dropped(source: EventSource): void {
    this.#notice ??= setTimeout(() => (this.connected = false), NOTICE_AFTER_MS);
    // The browser reconnects by itself, except after an HTTP error.
    if (source.readyState !== EventSource.CLOSED) return;
    this.#source = null;
    clearTimeout(this.#reopen);
    this.#reopen = setTimeout(() => this.open(), REOPEN_AFTER_MS);
  }

  #receive(message: MessageEvent<string>): void {
    this.#lastId = message.lastEventId;
    const event = JSON.parse(message.data) as LiveEvent;
    for (const listener of this.#listeners) listener(event);
  }
}

export const live = new Live();
