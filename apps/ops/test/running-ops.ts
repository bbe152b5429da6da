import { expect } from '@jest/globals';
import { Lifecycle, silentLogger } from '@rejoin/runtime';
import { TEST_JWT_SECRET, testRedis, tokenFor, uniquePrefix } from '@rejoin/testing';
import { startOps } from '../src/ops.ts';

/** The answer of a request, read to its end. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly contentType: string | null;
  // biome-ignore lint/suspicious/noExplicitAny: each test says what it expects
  readonly body: any;
}

/** The ops app within the test's own process, on a free port and an installation of its own. */
export class RunningOps {
  readonly prefix: string;
  readonly url: string;
  readonly #lifecycle: Lifecycle;

  private constructor(prefix: string, url: string, lifecycle: Lifecycle) {
    this.prefix = prefix;
    this.url = url;
    this.#lifecycle = lifecycle;
  }

  static async start(environment: Readonly<Record<string, string>> = {}): Promise<RunningOps> {
    const prefix = environment.REJOIN_PREFIX ?? uniquePrefix();
    const lifecycle = new Lifecycle();
    const settings = {
      REDIS_URL: testRedis(),
      REJOIN_PREFIX: prefix,
      OPS_PORT: '0',
      JWT_SECRET: TEST_JWT_SECRET,
      ...environment,
    };
    try {
      const { url } = await startOps({ environment: settings, lifecycle, logger: silentLogger() });
      return new RunningOps(prefix, url, lifecycle);
    } catch (error) {
      await lifecycle.stop();
      throw error;
    }
  }

  stop(): Promise<void> {
    return this.#lifecycle.stop();
  }

  async request(path: string, init: RequestInit = {}): Promise<Answer> {
    const response = await fetch(`${this.url}${path}`, init);
    const text = await response.text();
    const { status, headers } = response;
    return { status, headers, contentType: headers.get('content-type'), body: text === '' ? null : JSON.parse(text) };
  }

  /** Posts to `/v1/events`: text and bytes as they are, anything else as JSON. */
  publish(
    body: unknown,
    { token = SERVICE, contentType = 'application/json', headers = {} }: PublishRequest = {},
  ): Promise<Answer> {
    return this.request('/v1/events', {
      method: 'POST',
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(contentType === null ? {} : { 'content-type': contentType }),
        ...headers,
      },
      body: typeof body === 'string' || body instanceof Uint8Array ? (body as BodyInit) : JSON.stringify(body),
    });
  }
}

export interface PublishRequest {
  readonly token?: string | null;
  readonly contentType?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A service that may publish for any tenant. */
export const SERVICE = tokenFor({ sub: 'orders', scope: 'events:publish' });

/** What an answer looks like that is a problem. */
export function problem(status: number, code: string): object {
  return {
    status,
    contentType: 'application/problem+json',
    body: { type: `urn:rejoin:problem:${code}`, title: expect.any(String), status, code, detail: expect.any(String) },
  };
}
