import { setTimeout as delay } from 'node:timers/promises';
import { LookingOperator } from '../cost-of-looking.ts';
import { higherIsBetter, lowerIsBetter } from '../measure.ts';
import { usageBetween } from '../metered-redis.ts';
import { OperatorLoad } from '../operator-load.ts';
import { operatorLooks } from '../operator-looks.ts';
import { OpsProcess } from '../ops-process.ts';
import { PeerProcess } from '../peer-process.ts';
import type { AppenderCalls } from '../peers/appender.ts';
import type { WireCalls } from '../peers/wire-calls.ts';
import { PREFIX, startRejoinSystem } from '../rejoin-system.ts';
import type { Scenario, ScenarioContext } from '../scenario.ts';
import { median, percentile } from '../statistics.ts';
import { peerEntry, type System, tokenFor } from '../system.ts';
import { tenantOfEach } from '../tenants.ts';

const FULL = {
  fannedOut: 100_000,
  waiting: 900_000,
  deadLetters: 100_000,
  pendingPerPartition: 200,
  auditLines: 20_000,
  sockets: 5_000,
  requests: 30,
  costEvents: 60_000,
  costRounds: 5,
};
const QUICK = {
  fannedOut: 640,
  waiting: 640,
  deadLetters: 640,
  pendingPerPartition: 5,
  auditLines: 50,
  sockets: 20,
  requests: 2,
  costEvents: 640,
  costRounds: 1,
};
const PARTITIONS = 64;
const GATEWAYS = 2;
const USERS_PER_PARTITION = 250;
const EVENT_BYTES = 250;
const WARM_UP_REQUESTS = 3;
const MAX_P95_MS = 300;
const MIN_SHARE_LEFT = 0.98;
/** How long Redis is watched to know what it spends where nobody looks. */
const IDLE_MS = 3_000;

interface Times {
  readonly name: string;
  readonly p50: number;
  readonly p95: number;
  readonly max: number;
  /** CPU that Redis spent for one look, beyond what it spends anyway. */
  readonly redisMs: number;
}

/** How long an operator waits for each list of a large and busy installation, one request after another. */
export const operators: Scenario = {
  name: 'operators',
  async run(context) {
    const size = context.quick ? QUICK : FULL;
    const { lifecycle, note } = context;
    const tenants = tenantOfEach(PARTITIONS);
    const system = await startRejoinSystem({ gateways: GATEWAYS, partitions: PARTITIONS, lifecycle });
    const ops = await OpsProcess.start(system, lifecycle);
    note(`rejoin: running as ${[...system.pids, ops.pid].join(', ')}`);
    await connect(system, tenants, size.sockets, context);
    note(`${size.sockets} sockets are connected`);
    const load = new OperatorLoad(system.redis.client, tenants);
    const append = await appender(system, lifecycle);
    await append(size.fannedOut);
    await system.settled();
    note(`${size.fannedOut} events are fanned out`);
    await load.addDeadLetters(size.deadLetters);
    await load.addAuditLines(size.auditLines);
    note(`${size.deadLetters} dead letters are kept`);
    const tenant = tenants[0] as string;
    const cost = await costOfLooking({ system, ops, append, tenant, size, context });
    await load.pause();
    await append(size.waiting);
    note(`${size.waiting} events wait`);
    await load.leavePending(size.pendingPerPartition);

    const looks = operatorLooks({
      tenant,
      user: 'u-0',
      // Of the first partition, whose tenant this is.
      fannedOut: 'e-0',
      // The first of them.
      waiting: `e-${size.fannedOut + (2 * size.costRounds + 1) * size.costEvents}`,
    });
    const idle = await cpuPerMs(system);
    const measured: Times[] = [];
    for (const { name, path } of looks) {
      for (let n = 0; n < WARM_UP_REQUESTS; n++) await ops.get(path);
      const times: number[] = [];
      const before = await system.redis.usage();
      const beganAtMs = performance.now();
      for (let n = 0; n < size.requests; n++) {
        const startedAtMs = performance.now();
        await ops.get(path);
        times.push(performance.now() - startedAtMs);
      }
      const spentMs = usageBetween(before, await system.redis.usage()).cpuSeconds * 1_000;
      const redisMs = Math.max(0, spentMs - idle * (performance.now() - beganAtMs)) / size.requests;
      times.sort((a, b) => a - b);
      const at = (share: number): number => Number(percentile(times, share).toFixed(1));
      measured.push({ name, p50: at(0.5), p95: at(0.95), max: at(1), redisMs: Number(redisMs.toFixed(2)) });
      note(`${name}: p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, Redis ${redisMs.toFixed(1)} ms`);
    }
    const { fannedOut, waiting, ...sizes } = size;
    return {
      title: `an operator looks at ${PARTITIONS} partitions with ${fannedOut + waiting} events, ${size.deadLetters} dead letters and ${size.sockets} connections; p95 of each list`,
      parameters: { partitions: PARTITIONS, gateways: GATEWAYS, eventBytes: EVENT_BYTES, fannedOut, waiting, ...sizes },
      redisVersion: system.redis.version,
      measures: [
        ...measured.map(({ name, p95 }) =>
          lowerIsBetter({
            name,
            unit: 'ms',
            rejoin: p95,
            stock: null,
            goal: { text: `≤ ${MAX_P95_MS} ms`, reached: ({ rejoin }) => rejoin <= MAX_P95_MS },
          }),
        ),
        higherIsBetter({
          name: 'fan-out while an operator looks, as a share of what it is else',
          unit: '×',
          rejoin: cost.share,
          stock: null,
          goal: { text: `≥ ${MIN_SHARE_LEFT} ×`, reached: ({ rejoin }) => rejoin >= MIN_SHARE_LEFT },
        }),
      ],
      rounds: [...cost.rounds, ...measured.map((times) => ({ side: 'rejoin' as const, ...times }))],
    };
  },
};

/** Connects clients of all tenants, spread over the gateways. */
async function connect(
  { gatewayUrls }: System,
  tenants: readonly string[],
  sockets: number,
  { lifecycle }: ScenarioContext,
): Promise<void> {
  const clients = await PeerProcess.start<WireCalls>({
    name: 'clients',
    entry: peerEntry('wire-clients'),
    env: {},
    lifecycle,
  });
  const tokens = Array.from({ length: sockets }, (_, n) =>
    tokenFor(`u-${Math.floor(n / tenants.length) % USERS_PER_PARTITION}`, tenants[n % tenants.length]),
  );
  const share = Math.ceil(sockets / gatewayUrls.length);
  for (const [index, url] of gatewayUrls.entries()) {
    const part = tokens.slice(index * share, (index + 1) * share);
    await clients.call('connect', { url, tokens: part, readyPacket: '42["rejoin:ready"' });
  }
}

type Append = (count: number) => Promise<unknown>;

async function appender({ redis }: System, lifecycle: ScenarioContext['lifecycle']): Promise<Append> {
  const peer = await PeerProcess.start<AppenderCalls>({
    name: 'appender',
    entry: peerEntry('appender'),
    env: { REDIS_URL: redis.url, REJOIN_PREFIX: PREFIX, PARTITIONS: String(PARTITIONS) },
    lifecycle,
  });
  return (count) => peer.call('append', { count, usersPerPartition: USERS_PER_PARTITION, eventBytes: EVENT_BYTES });
}

interface CostOptions {
  readonly system: System;
  readonly ops: OpsProcess;
  readonly append: Append;
  readonly tenant: string;
  readonly size: typeof FULL;
  readonly context: ScenarioContext;
}

/** From the first append to the last fan-out, with and without somebody who looks, in turn. */
async function costOfLooking({ system, ops, append, tenant, size, context: { note } }: CostOptions) {
  const looks = operatorLooks({ tenant, user: 'u-0', fannedOut: 'e-0', waiting: 'e-1' });
  const rate = async (): Promise<number> => {
    const startedAtMs = performance.now();
    await append(size.costEvents);
    await system.settled();
    return size.costEvents / ((performance.now() - startedAtMs) / 1_000);
  };
  await rate();
  const rounds: { side: 'rejoin'; alone: number; watched: number; looks: number }[] = [];
  for (let round = 0; round < size.costRounds; round++) {
    const watched = async () => {
      const operator = new LookingOperator(ops, looks);
      const perSecond = await rate();
      return { perSecond, looks: await operator.stop() };
    };
    // Each begins every other round.
    const first = round % 2 === 0 ? await rate() : null;
    const seen = await watched();
    const alone = first ?? (await rate());
    rounds.push({
      side: 'rejoin',
      alone: Math.round(alone),
      watched: Math.round(seen.perSecond),
      looks: seen.looks,
    });
    note(`${Math.round(alone)} events/s, and ${Math.round(seen.perSecond)} with ${seen.looks} looks`);
  }
  return { rounds, share: median(rounds.map(({ alone, watched }) => watched / alone)) };
}

/** Milliseconds of CPU that Redis spends in a millisecond where nobody looks. */
async function cpuPerMs({ redis }: System): Promise<number> {
  const before = await redis.usage();
  const beganAtMs = performance.now();
  await delay(IDLE_MS);
  const { cpuSeconds } = usageBetween(before, await redis.usage());
  return (cpuSeconds * 1_000) / (performance.now() - beganAtMs);
}
