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

/** `resumed` is ours: the stream was away, and what happened meanwhile may not have been told. */
export type EventType = (typeof EVENT_TYPES)[number] | "resumed";

export interface LiveEvent {
  id: number | string;
  type: EventType;
  at: string;
  photo_id: string | null;
  job_id: string | null;
  batch_id: string | null;
  data: Record<string, unknown>;
}

const NOTHING = { id: "", photo_id: null, job_id: null, batch_id: null, data: {} };

type Listener = (event: LiveEvent) => void;

// A dropped connection usually returns at once; only a longer silence is worth a notice.
const NOTICE_AFTER_MS = 4_000;
const REOPEN_AFTER_MS = 5_000;
// Browsers open six connections to a server, for all tabs together: a tab that nobody looks at gives its own back.
const REST_AFTER_MS = 30_000;

class Live {
  /** False once the stream has been away for long enough that a person should know. */
  connected = $state(true);
  #source: EventSource | null = null;
  #listeners = new Set<Listener>();
  #notice: ReturnType<typeof setTimeout> | undefined;
  #reopen: ReturnType<typeof setTimeout> | undefined;
  #rest: ReturnType<typeof setTimeout> | undefined;
  #lastId = "";
  #wanted = false;
  #opened = 0;

  constructor() {
    document.addEventListener("visibilitychange", () => this.#look());
  }

  open(): void {
    this.#wanted = true;
    if (this.#source) return;
    const resume = this.#lastId ? `?last_event_id=${encodeURIComponent(this.#lastId)}` : "";
    const source = new EventSource(`/api/events${resume}`);
    this.#source = source;
    source.onopen = () => this.#arrived();
    source.onerror = () => this.#dropped(source);
    for (const type of EVENT_TYPES) source.addEventListener(type, (message) => this.#receive(message));
  }

  close(): void {
    this.#wanted = false;
    this.#hangUp();
    this.#lastId = "";
    this.#opened = 0;
  }

  #hangUp(): void {
    for (const timer of [this.#notice, this.#reopen, this.#rest]) clearTimeout(timer);
    this.#notice = undefined;
    this.#source?.close();
    this.#source = null;
    this.connected = true;
  }

  #look(): void {
    clearTimeout(this.#rest);
    if (document.hidden) this.#rest = setTimeout(() => this.#hangUp(), REST_AFTER_MS);
    else if (this.#wanted) this.open();
  }

  /** Returns the function that ends the subscription. */
  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #arrived(): void {
    clearTimeout(this.#notice);
    this.#notice = undefined;
    this.connected = true;
    if (this.#opened++ > 0) this.#tell({ ...NOTHING, type: "resumed", at: new Date().toISOString() });
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
    this.#tell(JSON.parse(message.data) as LiveEvent);
  }

  #tell(event: LiveEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}

export const live = new Live();
