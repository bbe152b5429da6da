import { CommandError, EXIT, type ExitCode } from './exit-code.ts';

export interface OperatorApiOptions {
  readonly url: string;
  readonly token: string;
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

interface ProblemBody {
  readonly code?: string;
  readonly detail?: string;
  readonly errors?: readonly { readonly path: string; readonly message: string }[];
}

/** Longest wait for an answer, in milliseconds. */
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
    const { url, token } = this.#options;
    let response: Response;
    let text: string;
    try {
      const headers = new Headers(init.headers);
      headers.set('authorization', `Bearer ${token}`);
      response = await fetch(new URL(path, url), { ...init, headers, signal: AbortSignal.timeout(TIMEOUT_MS) });
      text = await response.text();
    } catch (cause) {
      throw new CommandError(EXIT.failed, `${url} does not answer: is Rejoin running there?`, { cause });
    }
    if (!response.ok) throw refusalOf(response.status, text);
    return JSON.parse(text) as Answer;
  }
}

function refusalOf(status: number, text: string): CommandError {
  const { code = `HTTP ${status}`, detail = text.slice(0, 200), errors = [] } = parse(text);
  const fields = errors.map(({ path, message }) => `\n  ${path}: ${message}`).join('');
  return new CommandError(exitCodeOf(status), `${code}: ${detail}${fields}`);
}

function exitCodeOf(status: number): ExitCode {
  if (status === 400) return EXIT.usage;
  if (status === 404) return EXIT.notFound;
  return status === 401 || status === 403 || status === 409 ? EXIT.refused : EXIT.failed;
}

function parse(text: string): ProblemBody {
  try {
    return JSON.parse(text) as ProblemBody;
  } catch {
    // Something else than the operator API answered; what it said is shown as it is.
    return {};
  }
}
