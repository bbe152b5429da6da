import { session } from './session.ts';

export type Query = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** An answer that is not what was asked for, in the words of the server where it had some (RFC 9457). */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** 0: nothing answered. */
  readonly status: number;
  readonly code: string;
  /** Bad fields and what is wrong with each. */
  readonly fields: readonly { readonly path: string; readonly message: string }[];

  constructor(status: number, code: string, message: string, fields: ApiError['fields'] = []) {
    super(message);
    this.status = status;
    this.code = code;
    this.fields = fields;
  }
}

/** `GET` of the operator API. @throws ApiError */
export function apiGet<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== '') search.set(name, String(value));
  }
  return call<T>(`${path}${search.size > 0 ? `?${search}` : ''}`, signal ? { signal } : {});
}

/** `POST` of the operator API. @throws ApiError */
export function apiPost<T>(path: string, body: object): Promise<T> {
  return call<T>(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

interface Call {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal;
}

async function call<T>(path: string, init: Call): Promise<T> {
  const { token } = session;
  let response: Response;
  try {
    response = await fetch(path, {
      ...init,
      cache: 'no-store',
      credentials: 'omit',
      headers: { ...init.headers, ...(token === null ? {} : { authorization: `Bearer ${token}` }) },
    });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new ApiError(0, 'UNREACHABLE', 'The operator API does not answer. Is the ops process running?');
  }
  if (response.ok) return (await response.json()) as T;
  const error = await readProblem(response);
  // The token that was sent, not one that came meanwhile.
  if (error.status === 401 && session.token === token) session.signOut(error.message);
  throw error;
}

async function readProblem(response: Response): Promise<ApiError> {
  const { status } = response;
  if (!/\bjson\b/.test(response.headers.get('content-type') ?? '')) {
    return new ApiError(status, `HTTP_${status}`, response.statusText || 'The server refused without a reason.');
  }
  try {
    const problem = (await response.json()) as {
      code?: string;
      title?: string;
      detail?: string;
      errors?: { path: string; message: string }[];
    };
    return new ApiError(
      status,
      problem.code ?? `HTTP_${status}`,
      problem.detail ?? problem.title ?? response.statusText,
      problem.errors ?? [],
    );
  } catch {
    return new ApiError(status, `HTTP_${status}`, 'The answer broke off.');
  }
}
