import { fileURLToPath } from 'node:url';
import type { Lifecycle } from '@rejoin/runtime';
import { BenchError } from './errors.ts';
import { PeerProcess } from './peer-process.ts';
import { PREFIX } from './rejoin-system.ts';
import { JWT_SECRET, operatorToken, type System } from './system.ts';

/** The operator API of one run. */
export class OpsProcess {
  readonly pid: number;
  readonly #url: string;
  readonly #headers = { authorization: `Bearer ${operatorToken()}` };

  private constructor({ pid, url }: PeerProcess) {
    this.pid = pid;
    this.#url = url;
  }

  static async start({ redis }: System, lifecycle: Lifecycle): Promise<OpsProcess> {
    const peer = await PeerProcess.start({
      name: 'ops',
      entry: fileURLToPath(new URL('../../../dist/ops.js', import.meta.url)),
      env: { REDIS_URL: redis.url, REJOIN_PREFIX: PREFIX, JWT_SECRET, OPS_PORT: '0', LOG_LEVEL: 'warn' },
      lifecycle,
      stopSignal: 'SIGTERM',
    });
    return new OpsProcess(peer);
  }

  /** @throws BenchError `PEER_FAILED` where the answer is none of success */
  async get(path: string): Promise<unknown> {
    const response = await fetch(`${this.#url}${path}`, { headers: this.#headers });
    const text = await response.text();
    if (!response.ok) throw new BenchError('PEER_FAILED', `ops answered ${response.status} to ${path}: ${text}`);
    return JSON.parse(text);
  }
}
