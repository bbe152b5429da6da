import { CommandError, EXIT, type ExitCode } from './exit-code.ts';

export interface OperatorApiOptions {
  readonly url: string;
  /** The token, or what makes one. */
  readonly token: string | (() => string);
  /** Longest wait for an answer, in milliseconds; 30,000 by default. */
  readonly timeoutMs?: number;
  /** Ends the wait for an answer that changes nothing. */
  readonly signal?: AbortSignal;
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

interface ProblemBody {
  readonly code?: string;
  readonly detail?: string;
  readonly errors?: readonly { readonly path: string; readonly message: string }[];
}

const TIMEOUT_MS = 30_000;

/** The operator API, with refusals as errors that know their exit code. */
export class OperatorApi {
  readonly #options: OperatorApiOptions;

  constructor(options: OperatorApiOptions) {
    this.#options = options;
  }

  async get<Answer>(path: string, query: Query = {}): Promise<Answer> {
    const given = Object.entries(query).filter(([, value]) => value !== undefined);
    const search = new URLSearchParams(Object.fromEntries(given.map(([name, value]) => [name, String(value)])));
    return this.#ask<Answer>(given.length === 0 ? path : `${path}?${search}`, {});
  }

  async post<Answer>(path: string, body: unknown): Promise<Answer> {
    const headers = { 'content-type': 'application/json' };
    return this.#ask<Answer>(path, {
      method: 'POST',
      headers,
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  }

  async #ask<Answer>(path: string, init: RequestInit): Promise<Answer> {
    const { url, token, timeoutMs = TIMEOUT_MS, signal } = this.#options;
    const timeout = AbortSignal.timeout(timeoutMs);
    // What a change did must be known, and a wait that begins after the end was asked for is meant.
    const isKept = init.method === 'POST' || signal?.aborted === true;
    const headers = new Headers(init.headers);
    headers.set('authorization', `Bearer ${typeof token === 'string' ? token : token()}`);
    let response: Response;
    let text: string;
    try {
      response = await fetch(new URL(path, url), {
        ...init,
        headers,
        signal: signal && !isKept ? AbortSignal.any([signal, timeout]) : timeout,
      });
      text = await response.text();
    } catch (cause) {
      const why =
        !isKept && signal?.aborted
          ? 'interrupted'
          : `${url} does not answer: is Rejoin running there? (${causeOf(cause)})`;
      throw new CommandError(EXIT.failed, why, { cause });
    }
    if (!response.ok) throw refusalOf(response.status, text);
    try {
      return JSON.parse(text) as Answer;
    } catch (cause) {
      throw new CommandError(EXIT.failed, `${url} is something else than a Rejoin operator API`, { cause });
    }
  }
}

function causeOf(error: unknown): string {
  const { name, message, cause } = error as Error & { cause?: { code?: string; message?: string } };
  return name === 'TimeoutError' ? 'it takes too long' : (cause?.code ?? cause?.message ?? message);
}

function refusalOf(status: number, text: string): CommandError {
  const { code = `HTTP ${status}`, detail = text.slice(0, 200), errors = [] } = parse(text);
  const fields = errors.map(({ path, message }) => `\n  ${path}: ${message}`).join('');
  return new CommandError(exitCodeOf(status), `${code}: ${detail}${fields}`);
}

function exitCodeOf(status: number): ExitCode {
  if (status === 400 || status === 413) return EXIT.usage;
  if (status === 404) return EXIT.notFound;
  return status === 401 || status === 403 || status === 409 || status === 429 ? EXIT.refused : EXIT.failed;
}

function parse(text: string): ProblemBody {
  try {
    return JSON.parse(text) as ProblemBody;
  } catch {
    // Something else than the operator API answered; what it said is shown as it is.
    return {};
  }
}
