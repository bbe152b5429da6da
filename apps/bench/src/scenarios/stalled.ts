import { BenchError } from '../errors.ts';
import { lowerIsBetter } from '../measure.ts';
import { PeerProcess } from '../peer-process.ts';
import type { ClientCalls } from '../peers/client-calls.ts';
import type { ProducerCalls } from '../peers/producer.ts';
import type { WireCalls } from '../peers/wire-calls.ts';
import { PREFIX, startRejoinSystem } from '../rejoin-system.ts';
import type { Scenario, ScenarioContext } from '../scenario.ts';
import { median, percentile } from '../statistics.ts';
import { connectClients, peerEntry, type System, TENANT, tokenFor, usersNamed } from '../system.ts';

const FULL = { perSecond: 500, seconds: 6, warmUpSeconds: 3, stalled: 10, rounds: 6 };
const QUICK = { perSecond: 100, seconds: 0.5, warmUpSeconds: 0.5, stalled: 2, rounds: 1 };
const EVENT_BYTES = 250;
/** What a stalled client is sent: more in a round than the gateway (4 MiB) and the kernel's buffers together hold for it. */
const LARGE_BYTES = 60_000;
const LARGE_PER_SECOND = 60;
const STALLED_USER = 'stalled';
const USERS = usersNamed('u', 5);
const TIMEOUT_MS = 30_000;
const MAX_RISE = 1.2;

/**
 * Clients that read, alone on their gateway and beside others that stopped reading, in turn. The large events for those are published
 * in every round, so that a round differs by nothing but the stalled clients: what the gateway writes to them, keeps for them, and does
 * to be rid of them.
 */
export const stalled: Scenario = {
  name: 'stalled',
  async run(context) {
    const sizes = context.quick ? QUICK : FULL;
    const { perSecond, seconds, warmUpSeconds, rounds } = sizes;
    const { lifecycle, note } = context;
    const system = await startRejoinSystem({ gateways: 1, lifecycle });
    note(`rejoin: running as ${[...system.pids].join(', ')}`);
    const bench = new Neighbours(
      system,
      await startLargeProducer(system, context),
      await connectClients(system, USERS, lifecycle),
    );
    note('warming up');
    await bench.publishAndReceive(perSecond, warmUpSeconds);
    const rises: number[] = [];
    const figures: Record<'alone' | 'beside', Figures[]> = { alone: [], beside: [] };
    const measured = [];
    let cutOff = 0;
    for (let round = 0; round < rounds; round++) {
      // Each begins every other round, for the machine may drift.
      const order = round % 2 === 0 ? (['alone', 'beside'] as const) : (['beside', 'alone'] as const);
      for (const where of order) {
        const others = where === 'beside' ? await stallClients(system, sizes.stalled, context) : undefined;
        const before = await slowConsumers(system);
        const latencies = await bench.publishAndReceive(perSecond, seconds);
        const slow = (await slowConsumers(system)) - before;
        await others?.stop();
        cutOff += slow;
        figures[where].push(latencies);
        measured.push({ side: 'rejoin' as const, stalled: others ? sizes.stalled : 0, cutOff: slow, ...latencies });
        note(
          `${where === 'alone' ? 'alone' : `beside ${sizes.stalled}`}: p50 ${latencies.p50} ms, p99 ${latencies.p99} ms, ${slow} cut off`,
        );
      }
      rises.push((figures.beside.at(-1) as Figures).p99 / (figures.alone.at(-1) as Figures).p99);
    }
    const middle = (where: 'alone' | 'beside', name: keyof Figures): number =>
      median(figures[where].map((each) => each[name]));
    const only = { unit: 'ms', stock: null } as const;
    return {
      title: `publish to handler of ${USERS.length} clients at ${perSecond} events/s, alone on their gateway and beside ${sizes.stalled} that stopped reading ${(LARGE_BYTES * LARGE_PER_SECOND) / 1e6} MB/s each`,
      parameters: {
        perSecond,
        eventBytes: EVENT_BYTES,
        stalled: sizes.stalled,
        largeBytes: LARGE_BYTES,
        largePerSecond: LARGE_PER_SECOND,
        secondsPerRound: seconds,
        rounds,
      },
      redisVersion: system.redis.version,
      measures: [
        lowerIsBetter({ ...only, name: 'p50 alone', rejoin: middle('alone', 'p50') }),
        lowerIsBetter({ ...only, name: 'p50 beside stalled clients', rejoin: middle('beside', 'p50') }),
        lowerIsBetter({ ...only, name: 'p99 alone', rejoin: middle('alone', 'p99') }),
        lowerIsBetter({ ...only, name: 'p99 beside stalled clients', rejoin: middle('beside', 'p99') }),
        lowerIsBetter({
          name: 'p99 beside stalled clients, against alone',
          unit: '×',
          rejoin: median(rises),
          stock: null,
          goal: { text: `≤ ${MAX_RISE} ×`, reached: ({ rejoin }) => rejoin <= MAX_RISE },
        }),
        lowerIsBetter({
          name: 'stalled clients that were not cut off',
          unit: 'count',
          rejoin: sizes.stalled * rounds - cutOff,
          stock: null,
          goal: { text: '0', reached: ({ rejoin }) => rejoin === 0 },
        }),
      ],
      rounds: measured,
    };
  },
};

interface Figures {
  readonly p50: number;
  readonly p99: number;
}

/** The clients that read, and what is published to them and past them. */
class Neighbours {
  readonly #system: System;
  readonly #large: PeerProcess<ProducerCalls>;
  readonly #clients: PeerProcess<ClientCalls>;
  #received = 0;

  constructor(system: System, large: PeerProcess<ProducerCalls>, clients: PeerProcess<ClientCalls>) {
    this.#system = system;
    this.#large = large;
    this.#clients = clients;
  }

  async publishAndReceive(perSecond: number, seconds: number): Promise<Figures> {
    await this.#clients.call('takeLatencies', null);
    const each = Math.round((perSecond * seconds) / USERS.length);
    this.#received += each;
    await Promise.all([
      this.#system.producer.call('publish', {
        users: USERS,
        count: each * USERS.length,
        eventBytes: EVENT_BYTES,
        perSecond,
      }),
      this.#large.call('publish', {
        users: [STALLED_USER],
        count: Math.round(LARGE_PER_SECOND * seconds),
        eventBytes: LARGE_BYTES,
        perSecond: LARGE_PER_SECOND,
      }),
    ]);
    const expected = USERS.map(() => this.#received);
    const { complete } = await this.#clients.call('receive', { expected, timeoutMs: TIMEOUT_MS });
    if (!complete) throw new BenchError('NOT_DELIVERED', `not all events arrived in ${TIMEOUT_MS / 1_000} s`);
    const sorted = (await this.#clients.call('takeLatencies', null)).sort((a, b) => a - b);
    const at = (share: number): number => Number(percentile(sorted, share).toFixed(3));
    return { p50: at(0.5), p99: at(0.99) };
  }
}

function startLargeProducer(system: System, { lifecycle }: ScenarioContext): Promise<PeerProcess<ProducerCalls>> {
  return PeerProcess.start<ProducerCalls>({
    name: 'producer of large events',
    entry: peerEntry('rejoin-producer'),
    env: { REDIS_URL: system.redis.url, REJOIN_PREFIX: PREFIX, TENANT },
    lifecycle,
  });
}

/** Connects clients of one user, which read nothing once they are connected. */
async function stallClients(
  system: System,
  count: number,
  { lifecycle }: ScenarioContext,
): Promise<PeerProcess<WireCalls>> {
  const clients = await PeerProcess.start<WireCalls>({
    name: 'stalled clients',
    entry: peerEntry('wire-clients'),
    env: {},
    lifecycle,
  });
  await clients.call('connect', {
    url: system.gatewayUrls[0] as string,
    tokens: Array.from({ length: count }, () => tokenFor(STALLED_USER)),
    readyPacket: '42["rejoin:ready"',
  });
  await clients.call('stall', null);
  return clients;
}

/** How many clients the gateway cut off because they did not read. */
async function slowConsumers({ gatewayUrls }: System): Promise<number> {
  const metrics = await (await fetch(`${gatewayUrls[0]}/metrics`)).text();
  return Number(/^rejoin_rate_limited_total\{scope="buffered_bytes"\} (\d+)/m.exec(metrics)?.[1] ?? 0);
}
