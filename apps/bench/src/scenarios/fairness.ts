import { partitionOf } from '@rejoin/protocol';
import { lowerIsBetter } from '../measure.ts';
import { OpsProcess } from '../ops-process.ts';
import { PeerProcess } from '../peer-process.ts';
import type { ClientCalls } from '../peers/client-calls.ts';
import type { ProducerCalls } from '../peers/producer.ts';
import { PREFIX, startRejoinSystem } from '../rejoin-system.ts';
import type { Scenario, ScenarioContext } from '../scenario.ts';
import { median, percentile } from '../statistics.ts';
import { connectClients, peerEntry, type System, TENANT, usersNamed } from '../system.ts';
import { tenantOfEach } from '../tenants.ts';

const FULL = { perSecond: 100, seconds: 10, warmUpSeconds: 4, rounds: 6 };
const QUICK = { perSecond: 50, seconds: 0.5, warmUpSeconds: 0.5, rounds: 1 };
/** How many times as much the neighbour publishes while it floods. */
const FLOOD = 10;
const EVENT_BYTES = 250;
const PARTITIONS = 8;
const TIMEOUT_MS = 30_000;
const MAX_RISE = 1.2;

interface Lane {
  readonly tenant: string;
  readonly producer: PeerProcess<ProducerCalls>;
  readonly clients: PeerProcess<ClientCalls>;
  received: number;
}

/**
 * Two tenants of two partitions, which one worker owns. The neighbour publishes as much as the other tenant, then ten times as much,
 * in turn; what the other tenant's client notices of it is measured.
 */
export const fairness: Scenario = {
  name: 'fairness',
  async run(context) {
    const { perSecond, seconds, warmUpSeconds, rounds } = context.quick ? QUICK : FULL;
    const { lifecycle, note } = context;
    const system = await startRejoinSystem({ gateways: 1, lifecycle });
    note(`rejoin: running as ${[...system.pids].join(', ')}`);
    const ops = await OpsProcess.start(system, lifecycle);
    const quiet = await openLane(system, context, TENANT);
    const neighbour = await openLane(system, context, tenantOfAnotherPartition());
    note('warming up');
    await runTogether(quiet, neighbour, perSecond, FLOOD, warmUpSeconds);
    const rises: number[] = [];
    const equal: Figures[] = [];
    const flooded: Figures[] = [];
    const measured = [];
    for (let round = 0; round < rounds; round++) {
      // Each begins every other round, for the machine may drift.
      const order = round % 2 === 0 ? [1, FLOOD] : [FLOOD, 1];
      for (const times of order) {
        const figures = await runTogether(quiet, neighbour, perSecond, times, seconds);
        (times === 1 ? equal : flooded).push(figures);
        measured.push({ side: 'rejoin' as const, times, ...figures });
        note(`neighbour × ${times}: p50 ${figures.p50} ms, p99 ${figures.p99} ms`);
      }
      rises.push((flooded.at(-1) as Figures).p99 / (equal.at(-1) as Figures).p99);
    }
    const share = await shareOf(ops, neighbour.tenant);
    const middle = (rounds: readonly Figures[], name: keyof Figures): number =>
      median(rounds.map((round) => round[name]));
    const alone = { unit: 'ms', stock: null } as const;
    return {
      title: `publish to handler of one tenant at ${perSecond} events/s, beside a neighbour of another partition with as many, and with ${FLOOD} times as many`,
      parameters: { perSecond, flood: FLOOD, eventBytes: EVENT_BYTES, secondsPerRound: seconds, rounds },
      redisVersion: system.redis.version,
      measures: [
        lowerIsBetter({ ...alone, name: 'p50 beside an equal', rejoin: middle(equal, 'p50') }),
        lowerIsBetter({ ...alone, name: 'p50 beside a flood', rejoin: middle(flooded, 'p50') }),
        lowerIsBetter({ ...alone, name: 'p99 beside an equal', rejoin: middle(equal, 'p99') }),
        lowerIsBetter({ ...alone, name: 'p99 beside a flood', rejoin: middle(flooded, 'p99') }),
        lowerIsBetter({
          name: 'p99 beside a flood, against beside an equal',
          unit: '×',
          rejoin: median(rises),
          stock: null,
          goal: { text: `≤ ${MAX_RISE} ×`, reached: ({ rejoin }) => rejoin <= MAX_RISE },
        }),
        lowerIsBetter({
          name: 'the neighbour’s events in GET /v1/tenants, against the other tenant’s',
          unit: '×',
          rejoin: share,
          stock: null,
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

function tenantOfAnotherPartition(): string {
  const home = partitionOf(TENANT, PARTITIONS);
  return tenantOfEach(PARTITIONS)[(home + 1) % PARTITIONS] as string;
}

async function openLane(system: System, { lifecycle }: ScenarioContext, tenant: string): Promise<Lane> {
  const producer = await PeerProcess.start<ProducerCalls>({
    name: `producer of ${tenant}`,
    entry: peerEntry('rejoin-producer'),
    env: { REDIS_URL: system.redis.url, REJOIN_PREFIX: PREFIX, TENANT: tenant },
    lifecycle,
  });
  return { tenant, producer, clients: await connectClients(system, USERS, lifecycle, tenant), received: 0 };
}

const USERS = usersNamed('u', 1);

async function runTogether(
  quiet: Lane,
  neighbour: Lane,
  perSecond: number,
  times: number,
  seconds: number,
): Promise<Figures> {
  await quiet.clients.call('takeLatencies', null);
  await Promise.all([
    publishAndReceive(quiet, perSecond, seconds),
    publishAndReceive(neighbour, perSecond * times, seconds),
  ]);
  await neighbour.clients.call('takeLatencies', null);
  const sorted = (await quiet.clients.call('takeLatencies', null)).sort((a, b) => a - b);
  const at = (share: number): number => Number(percentile(sorted, share).toFixed(3));
  return { p50: at(0.5), p99: at(0.99) };
}

async function publishAndReceive(lane: Lane, perSecond: number, seconds: number): Promise<void> {
  const count = Math.round(perSecond * seconds);
  lane.received += count;
  await lane.producer.call('publish', { users: USERS, count, eventBytes: EVENT_BYTES, perSecond });
  const { complete } = await lane.clients.call('receive', { expected: [lane.received], timeoutMs: TIMEOUT_MS });
  if (!complete) throw new Error(`not all events of ${lane.tenant} arrived in ${TIMEOUT_MS / 1_000} s`);
}

/** How many times as many events of the neighbour as of the other tenant an operator sees. */
async function shareOf(ops: OpsProcess, neighbour: string): Promise<number> {
  const { items } = (await ops.get('/v1/tenants')) as { items: { tenant: string; events: number }[] };
  const eventsOf = (tenant: string): number => items.find((item) => item.tenant === tenant)?.events ?? Number.NaN;
  return eventsOf(neighbour) / eventsOf(TENANT);
}
