import { fileURLToPath } from 'node:url';
import type { Lifecycle } from '@rejoin/runtime';
import { io, type Socket } from 'socket.io-client';
import { BenchError } from './errors.ts';
import { PeerProcess } from './peer-process.ts';
import { PREFIX } from './rejoin-system.ts';
import { JWT_SECRET, operatorToken, type System } from './system.ts';

/** The operator API of one run. */
export class OpsProcess {
  readonly pid: number;
  readonly #url: string;
  readonly #token = operatorToken();

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
    const response = await fetch(`${this.#url}${path}`, {
      headers: { authorization: `Bearer ${this.#token}` },
    });
    const text = await response.text();
    if (!response.ok) throw new BenchError('PEER_FAILED', `ops answered ${response.status} to ${path}: ${text}`);
    return JSON.parse(text);
  }

  /** A console's connection for what is pushed. @throws BenchError `PEER_FAILED` where it is refused */
  live(): Promise<Socket> {
    const socket = io(this.#url, {
      path: '/v1/live',
      transports: ['websocket'],
      auth: { token: this.#token },
      forceNew: true,
      reconnection: false,
    });
    return new Promise((resolve, reject) => {
      socket.on('connect', () => resolve(socket));
      socket.on('connect_error', (cause) =>
        reject(new BenchError('PEER_FAILED', 'ops refused the connection of a console', { cause })),
      );
    });
  }
}
