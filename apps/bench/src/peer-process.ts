import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Lifecycle } from '@rejoin/runtime';
import { BenchError } from './errors.ts';
import type { CallReply, CallRequest, PeerCalls } from './peers/serve-peer.ts';

export interface PeerOptions {
  /** For messages. */
  readonly name: string;
  readonly entry: string;
  /** All of the peer's environment besides `PATH`, `HOME` and `NODE_ENV=production`. */
  readonly env: Readonly<Record<string, string>>;
  readonly execArgv?: readonly string[];
  /** Ends it with the run, also where it is not ready yet. */
  readonly lifecycle: Lifecycle;
  /** How it is ended; SIGKILL by default, for a peer that holds nothing. SIGTERM is followed by SIGKILL after five seconds. */
  readonly stopSignal?: 'SIGTERM' | 'SIGKILL';
}

const READY_TIMEOUT_MS = 20_000;
const STOP_DEADLINE_MS = 5_000;

/**
 * A process that takes part in a scenario. It ends when this process does, since that closes its IPC channel; it has a session
 * of its own, so that Ctrl-C reaches this process alone, which decides the order.
 */
export class PeerProcess<Calls extends PeerCalls<Calls> = Record<never, never>> {
  readonly name: string;
  readonly pid: number;
  /** What its `ready` message said; empty for one that serves no port. */
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #end: () => Promise<void>;
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  #nextCall = 1;

  private constructor(name: string, child: ChildProcess, url: string, end: () => Promise<void>) {
    this.name = name;
    this.pid = child.pid as number;
    this.url = url;
    this.#child = child;
    this.#end = end;
    child.on('message', (reply: CallReply) => this.#settle(reply));
    child.on('exit', (code, signal) => {
      const error = new BenchError('PEER_FAILED', `${this.name} ended (${signal ?? `code ${code}`})`);
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
    });
  }

  /** @throws BenchError `PEER_FAILED` where it is not ready in time */
  static async start<Calls extends PeerCalls<Calls> = Record<never, never>>(
    options: PeerOptions,
  ): Promise<PeerProcess<Calls>> {
    const child = fork(options.entry, [], {
      detached: true,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, NODE_ENV: 'production', ...options.env },
      execArgv: ['--enable-source-maps', ...(options.execArgv ?? [])],
      // Standard output is this process' result; what a peer says is diagnostics.
      stdio: ['ignore', 2, 2, 'ipc'],
    });
    const end = (): Promise<void> => endProcess(child, options.stopSignal ?? 'SIGKILL');
    options.lifecycle.onStop(options.name, end);
    return new PeerProcess(options.name, child, await readyUrl(options.name, child), end);
  }

  /** @throws BenchError `PEER_FAILED` where the peer throws or ends */
  call<Name extends keyof Calls & string>(
    name: Name,
    argument: Parameters<Calls[Name]>[0],
  ): Promise<Awaited<ReturnType<Calls[Name]>>> {
    const request: CallRequest = { id: this.#nextCall++, call: name, argument };
    return new Promise((resolve, reject) => {
      this.#waiting.set(request.id, { resolve: resolve as (value: unknown) => void, reject });
      this.#child.send(request, (error) => {
        if (error) this.#settle({ id: request.id, error: error.message });
      });
    });
  }

  /** Resolves when it is gone. Idempotent. */
  stop(): Promise<void> {
    return this.#end();
  }

  #settle(reply: CallReply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (reply.error === undefined) waiting?.resolve(reply.result);
    else waiting?.reject(new BenchError('PEER_FAILED', `${this.name}: ${reply.error}`));
  }
}

async function endProcess(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS);
  await exited;
  clearTimeout(timer);
}

async function readyUrl(name: string, child: ChildProcess): Promise<string> {
  const settled = new AbortController();
  const { signal } = settled;
  const timer = setTimeout(() => settled.abort(), READY_TIMEOUT_MS);
  try {
    const [kind, value] = await Promise.race([
      once(child, 'message', { signal }).then(([message]) => [
        'ready',
        String((message as { url?: string }).url ?? ''),
      ]),
      once(child, 'exit', { signal }).then(([code, by]) => ['exit', by ?? `code ${code}`]),
    ]);
    if (kind === 'ready') return value;
    throw new BenchError('PEER_FAILED', `${name} ended before it was ready (${value})`);
  } catch (error) {
    if (error instanceof BenchError) throw error;
    throw new BenchError('PEER_FAILED', `${name} was not ready within ${READY_TIMEOUT_MS / 1000} s`, { cause: error });
  } finally {
    clearTimeout(timer);
    settled.abort();
  }
}
