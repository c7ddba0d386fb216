/** An answer of the API that is not a success (RFC 9457), or no answer at all. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  /** Seconds after which the server asks to be called again. */
  readonly retryAfter: number | null;

  constructor(fields: { status: number; code: string; detail: string; retryAfter?: number | null }) {
    super(fields.detail);
    this.name = "Problem";
    this.status = fields.status;
    this.code = fields.code;
    this.retryAfter = fields.retryAfter ?? null;
  }

  /** True when the same request may well succeed a little later. */
  get transient(): boolean {
    return (
      this.status === 0 ||
      this.status === 408 ||
      this.status === 429 ||
      this.status === 502 ||
      this.status >= 503
    );
  }
}

interface ProblemBody {
  code?: unknown;
  detail?: unknown;
  title?: unknown;
  errors?: unknown;
}

/** Retry-After is either seconds or an HTTP date (RFC 9110, 10.2.3). */
export function parseRetryAfter(header: string | null, now: number): number | null {
  if (!header) return null;
  if (/^\d+$/.test(header.trim())) return Number(header);
  const at = Date.parse(header);
  return Number.isNaN(at) ? null : Math.max(0, Math.ceil((at - now) / 1000));
}

export function problemFromBody(status: number, body: unknown, retryAfter: string | null): Problem {
  const fields = (typeof body === "object" && body !== null ? body : {}) as ProblemBody;
  const detail = [fields.detail, fields.title].find((text) => typeof text === "string");
  return new Problem({
    status,
    code: typeof fields.code === "string" ? fields.code : `http_${status}`,
    detail: [detail ?? `HTTP ${status}`, ...fieldErrors(fields.errors)].join(" "),
    retryAfter: parseRetryAfter(retryAfter, Date.now()),
  });
}

export function unreachable(): Problem {
  return new Problem({ status: 0, code: "unreachable", detail: "The server cannot be reached." });
}

export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  console.error(error); // a fault of the page itself: the sentence that is shown says to look there
  return new Problem({ status: 0, code: "unexpected", detail: String(error) });
}

function fieldErrors(errors: unknown): string[] {
  if (!Array.isArray(errors)) return [];
  return errors.slice(0, 3).flatMap((error: { loc?: unknown; msg?: unknown }) => {
    const where = Array.isArray(error.loc) ? error.loc.at(-1) : error.loc;
    return typeof error.msg === "string" ? [`${String(where ?? "")}: ${error.msg}`] : [];
  });
}
