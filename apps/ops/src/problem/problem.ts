import { STATUS_CODES } from 'node:http';

/** Codes that a problem may bear. They are stable; what a text says is not. */
export type ProblemCode =
  | 'INVALID_EVENT'
  | 'INVALID_REQUEST'
  | 'AUTH_REQUIRED'
  | 'AUTH_INVALID'
  | 'AUTH_EXPIRED'
  | 'KEYS_UNAVAILABLE'
  | 'FORBIDDEN'
  | 'TENANT_FORBIDDEN'
  | 'NOT_FOUND'
  | 'METHOD_NOT_ALLOWED'
  | 'EVENT_TOO_LARGE'
  | 'REQUEST_TOO_LARGE'
  | 'CONFLICT'
  | 'UNSUPPORTED_MEDIA_TYPE'
  | 'RATE_LIMITED'
  | 'BACKLOG_FULL'
  | 'STREAM_UNAVAILABLE'
  | 'OVERLOADED'
  | 'DRAINING'
  | 'BAD_REQUEST'
  | 'INTERNAL_ERROR';

export interface ProblemOptions extends ErrorOptions {
  /** Response headers. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Every bad field of the request. */
  readonly errors?: readonly { readonly path: string; readonly message: string }[];
  /** Further members of the body. */
  readonly extensions?: Readonly<Record<string, unknown>>;
  /** Milliseconds after which repeating the request makes sense; becomes `Retry-After`. */
  readonly retryAfterMs?: number;
}

/** Field problems that a response lists at most; its size must not follow from the request's. */
const MAX_ERRORS = 1_000;

/**
 * A request that is not fulfilled, as it is answered.
 * @see https://www.rfc-editor.org/rfc/rfc9457
 */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly status: number;
  readonly code: ProblemCode;
  readonly headers: Readonly<Record<string, string>>;
  readonly #options: ProblemOptions;

  constructor(status: number, code: ProblemCode, detail: string, options: ProblemOptions = {}) {
    super(detail, options);
    this.status = status;
    this.code = code;
    this.#options = options;
    const { headers = {}, retryAfterMs } = options;
    this.headers =
      retryAfterMs === undefined
        ? headers
        : { ...headers, 'retry-after': String(Math.max(1, Math.ceil(retryAfterMs / 1_000))) };
  }

  /** The same answer, with more in its body. */
  with(detail: string, extensions: Readonly<Record<string, unknown>>): Problem {
    return new Problem(this.status, this.code, detail, {
      ...this.#options,
      cause: this.cause,
      extensions: { ...this.#options.extensions, ...extensions },
    });
  }

  body(): Record<string, unknown> {
    const { errors, extensions } = this.#options;
    return {
      type: `urn:rejoin:problem:${this.code}`,
      title: STATUS_CODES[this.status],
      status: this.status,
      code: this.code,
      detail: this.message,
      ...(errors ? { errors: errors.slice(0, MAX_ERRORS) } : {}),
      ...(errors && errors.length > MAX_ERRORS ? { errorCount: errors.length } : {}),
      ...extensions,
    };
  }
}
