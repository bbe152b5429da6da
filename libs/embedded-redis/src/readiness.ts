import { type AddressInfo, createConnection, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { RedisAddress } from './redis-configuration.ts';

type Answer = 'ready' | 'loading' | 'away' | 'foreign';

/**
 * Resolves when the server answers commands. Loading its append-only file may take as long as it takes.
 * @param pid of the server that must be the one that answers: on a port that was taken it is somebody else's
 * @param timeoutMs for an answer of any kind
 * @throws Error after `timeoutMs`, or where another server answers; the signal's reason when it is aborted
 */
export async function waitUntilReady(
  address: RedisAddress,
  pid: number,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<void> {
  let deadline = performance.now() + timeoutMs;
  for (let pauseMs = 2; ; pauseMs = Math.min(pauseMs * 2, 100)) {
    signal.throwIfAborted();
    const answer = await ask(address, pid);
    if (answer === 'ready') return;
    if (answer === 'foreign') throw new Error('Address already in use by another server');
    if (answer === 'loading') deadline = performance.now() + timeoutMs;
    if (performance.now() > deadline) throw new Error(`no answer within ${timeoutMs} ms`);
    await delay(pauseMs);
  }
}

/** See https://redis.io/docs/latest/develop/reference/protocol-spec/#inline-commands. */
function ask(address: RedisAddress, pid: number): Promise<Answer> {
  return new Promise((resolve) => {
    const socket = createConnection(
      address.kind === 'socket' ? { path: address.path } : { host: '127.0.0.1', port: address.port },
    );
    let reply = '';
    const finish = (answer: Answer): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setEncoding('latin1');
    socket.setTimeout(1_000, () => finish('away'));
    // Refused, or no socket file yet: the caller asks again until its deadline.
    socket.on('error', () => finish('away'));
    socket.on('close', () => finish('away'));
    socket.on('connect', () => {
      if (address.kind === 'tcp' && address.password) socket.write(`AUTH ${address.password}\r\n`);
      socket.write('INFO server\r\nPING\r\n');
    });
    socket.on('data', (chunk: string) => {
      reply += chunk;
      const answering = /\nprocess_id:(\d+)\r\n/.exec(reply)?.[1];
      if (/^-(NOAUTH|WRONGPASS|DENIED)/m.test(reply) || (answering && answering !== String(pid))) finish('foreign');
      else if (answering && reply.endsWith('+PONG\r\n')) finish('ready');
      else if (answering && reply.includes('\r\n-LOADING')) finish('loading');
    });
  });
}

/** A loopback port that nothing listens on at this moment. */
export function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close((error) => (error ? reject(error) : resolve(port)));
    });
  });
}
