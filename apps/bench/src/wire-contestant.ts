import type { Lifecycle } from '@rejoin/runtime';
import { PeerProcess } from './peer-process.ts';
import { EVERYBODY, type ProducerCalls, type PublishReport } from './peers/producer.ts';
import type { WireCalls } from './peers/wire-calls.ts';
import { startRejoinSystem } from './rejoin-system.ts';
import type { ScenarioContext } from './scenario.ts';
import { startStockSystem } from './stock-system.ts';
import { peerEntry, type Side, tokenFor } from './system.ts';

export type WireSide = Side | 'ws';

interface Server {
  readonly pid: number;
  readonly url: string;
  readonly redisVersion: string;
  readonly producer: PeerProcess<ProducerCalls>;
  stop(): Promise<void>;
}

/** A server with clients that only count what they receive. */
export class WireContestant {
  readonly side: WireSide;
  /** Its gateway, or the bare server. */
  readonly serverPid: number;
  /** Empty where there is none. */
  readonly redisVersion: string;
  readonly #url: string;
  readonly #stop: () => Promise<void>;
  readonly #producer: PeerProcess<ProducerCalls>;
  readonly #clients: PeerProcess<WireCalls>;
  #connected = 0;
  #published = 0;

  private constructor(side: WireSide, server: Server, clients: PeerProcess<WireCalls>) {
    this.side = side;
    this.serverPid = server.pid;
    this.redisVersion = server.redisVersion;
    this.#url = server.url;
    this.#stop = server.stop;
    this.#producer = server.producer;
    this.#clients = clients;
  }

  static async start(side: WireSide, { lifecycle, profileDirectory, note }: ScenarioContext): Promise<WireContestant> {
    const clients = await startPeer<WireCalls>(`${side} clients`, 'wire-clients', lifecycle);
    if (side === 'ws') {
      const producer = await startPeer<ProducerCalls>('ws server', 'ws-broadcaster', lifecycle);
      note(`${side}: running as ${producer.pid}`);
      return new WireContestant(
        side,
        { pid: producer.pid, url: producer.url, redisVersion: '', producer, stop: () => producer.stop() },
        clients,
      );
    }
    const options = { gateways: 1, lifecycle, ...(profileDirectory === undefined ? {} : { profileDirectory }) };
    const system = await (side === 'rejoin' ? startRejoinSystem(options) : startStockSystem(options));
    note(`${side}: running as ${[...system.pids].join(', ')}`);
    const { producer, gatewayUrls, gatewayPids } = system;
    return new WireContestant(
      side,
      {
        pid: gatewayPids[0] as number,
        url: gatewayUrls[0] as string,
        redisVersion: system.redis.version,
        producer,
        stop: () => system.stop(),
      },
      clients,
    );
  }

  /** Connects so many more clients, each of a user of its own. */
  async connect(count: number): Promise<void> {
    const tokens = Array.from({ length: count }, (_, index) =>
      this.side === 'ws' ? null : tokenFor(`u-${this.#connected + index}`),
    );
    const readyPacket = this.side === 'rejoin' ? '42["rejoin:ready"' : '40';
    await this.#clients.call('connect', { url: this.#url, tokens, readyPacket });
    this.#connected += count;
  }

  /** Publishes to every client. */
  publish(plan: {
    readonly count: number;
    readonly eventBytes: number;
    readonly perSecond?: number;
  }): Promise<PublishReport> {
    this.#published += plan.count;
    return this.#producer.call('publish', { ...plan, users: [EVERYBODY] });
  }

  /** Publishes to users of whom nobody is connected. */
  publishPast(plan: { readonly count: number; readonly eventBytes: number; readonly perSecond: number }) {
    return this.#producer.call('publish', { ...plan, users: ['nobody-1', 'nobody-2', 'nobody-3'] });
  }

  /** Resolves when every client has everything published so far. */
  receive(timeoutMs: number): Promise<{ readonly lastReceivedAtMs: number }> {
    return this.#clients.call('receive', { each: this.#published, timeoutMs });
  }

  /** How many clients are connected now. */
  connected(): Promise<number> {
    return this.#clients.call('connected', null);
  }

  async stop(): Promise<void> {
    await this.#clients.stop();
    await this.#stop();
  }
}

function startPeer<Calls extends { [Name in keyof Calls]: (argument: never) => unknown }>(
  name: string,
  entry: string,
  lifecycle: Lifecycle,
): Promise<PeerProcess<Calls>> {
  return PeerProcess.start<Calls>({ name, entry: peerEntry(entry), env: {}, lifecycle });
}
