import { Lifecycle, silentLogger } from '@rejoin/runtime';
import { seriesValue, TEST_JWT_SECRET, testRedis, tokenFor, uniquePrefix } from '@rejoin/testing';
import { startGateway } from '../src/gateway.ts';

/** The gateway app within the test's own process, on a free port and an installation of its own. */
export class RunningGateway {
  readonly prefix: string;
  readonly url: string;
  readonly #lifecycle: Lifecycle;

  private constructor(prefix: string, url: string, lifecycle: Lifecycle) {
    this.prefix = prefix;
    this.url = url;
    this.#lifecycle = lifecycle;
  }

  static async start(environment: Readonly<Record<string, string>> = {}): Promise<RunningGateway> {
    const prefix = environment.REJOIN_PREFIX ?? uniquePrefix();
    const lifecycle = new Lifecycle();
    const { url } = await startGateway({
      environment: {
        REDIS_URL: testRedis(),
        REJOIN_PREFIX: prefix,
        JWT_SECRET: TEST_JWT_SECRET,
        PORT: '0',
        ...environment,
      },
      lifecycle,
      logger: silentLogger(),
    });
    return new RunningGateway(prefix, url, lifecycle);
  }

  /** A Socket.IO packet that asks for the main namespace. */
  static connectPacket(token = tokenFor({ sub: 'u1', tenant: 'acme' })): string {
    return `40${JSON.stringify({ token })}`;
  }

  /** How often its metrics say that this limit refused somebody. */
  async limited(scope: string): Promise<number> {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    return seriesValue(text, 'rejoin_rate_limited_total', { scope }) ?? 0;
  }

  stop(): Promise<void> {
    return this.#lifecycle.stop();
  }
}
