import { setTimeout as delay } from 'node:timers/promises';
import { type CostOfLooking, costOfLooking } from '../looking/cost-of-looking.ts';
import { totalOf } from '../looking/cpu-meter.ts';
import { LookingOperator } from '../looking/looking-operator.ts';
import { operatorLooks } from '../looking/operator-looks.ts';
import { lowerIsBetter } from '../measure.ts';
import { usageBetween } from '../metered-redis.ts';
import { OperatorLoad } from '../operator-load.ts';
import { OpsProcess } from '../ops-process.ts';
import { PeerProcess } from '../peer-process.ts';
import type { AppenderCalls } from '../peers/appender.ts';
import type { WireCalls } from '../peers/wire-calls.ts';
import { PREFIX, startRejoinSystem } from '../rejoin-system.ts';
import type { Measure, Scenario, ScenarioContext } from '../scenario.ts';
import { percentile } from '../statistics.ts';
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
  costEvents: 30_000,
  costBlocks: 12,
  costSeconds: 5,
  costSpells: 2,
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
  costBlocks: 1,
  costSeconds: 1,
  costSpells: 1,
};
const PARTITIONS = 64;
const GATEWAYS = 2;
const USERS_PER_PARTITION = 250;
const EVENT_BYTES = 250;
const WARM_UP_REQUESTS = 3;
const MAX_P95_MS = 300;
/** Of throughput, in hundredths. */
const MAX_COST = 2;
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
    const publish = await appender(system, lifecycle);
    let appended = 0;
    const append: Append = async (count) => {
      await publish(count);
      appended += count;
    };
    await append(size.fannedOut);
    await system.settled();
    note(`${size.fannedOut} events are fanned out`);
    await load.addDeadLetters(size.deadLetters);
    await load.addAuditLines(size.auditLines);
    note(`${size.deadLetters} dead letters are kept`);
    const tenant = tenants[0] as string;
    const operator = await LookingOperator.open(
      ops,
      operatorLooks({ tenant, user: 'u-0', fannedOut: 'e-0', waiting: 'e-1' }),
    );
    const cost = await costOfLooking({ system, ops, operator, append, size, note });
    operator.close();
    await load.pause();
    const firstWaiting = appended;
    await append(size.waiting);
    note(`${size.waiting} events wait`);
    await load.leavePending(size.pendingPerPartition);

    const looks = operatorLooks({
      tenant,
      user: 'u-0',
      // Of the first partition, whose tenant this is.
      fannedOut: 'e-0',
      // The first of them.
      waiting: `e-${firstWaiting}`,
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
        ...measuresOf(cost),
      ],
      rounds: [...cost.rounds, ...measured].map((round) => ({ side: 'rejoin' as const, ...round })),
    };
  },
};

/** All in hundredths of what the delivery path does or spends where nobody looks. */
function measuresOf({ throughput, cpuPerEvent, looking, path }: CostOfLooking): Measure[] {
  const percent = { unit: '%', stock: null } as const;
  const goal = { text: `≤ ${MAX_COST} %`, reached: ({ rejoin }: { rejoin: number }) => rejoin <= MAX_COST };
  const more = { low: (cpuPerEvent.low - 1) * 100, high: (cpuPerEvent.high - 1) * 100 };
  const less = { low: (1 - throughput.high) * 100, high: (1 - throughput.low) * 100 };
  return [
    lowerIsBetter({
      ...percent,
      name: 'CPU that looking spends, of what the delivery path spends at full load',
      rejoin: (100 * totalOf(looking)) / totalOf(path),
      goal,
    }),
    lowerIsBetter({ ...percent, name: 'of Redis alone', rejoin: (100 * looking.redis) / path.redis, goal }),
    lowerIsBetter({
      ...percent,
      name: 'CPU that each event costs more while an operator looks',
      rejoin: (cpuPerEvent.value - 1) * 100,
      interval: more,
    }),
    lowerIsBetter({
      ...percent,
      name: 'events a second that are fanned out less while an operator looks',
      rejoin: (1 - throughput.value) * 100,
      interval: less,
      goal: { text: `≤ ${MAX_COST} %, surely`, reached: () => less.high <= MAX_COST },
    }),
  ];
}

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

type Append = (count: number) => Promise<void>;

async function appender({ redis }: System, lifecycle: ScenarioContext['lifecycle']): Promise<Append> {
  const peer = await PeerProcess.start<AppenderCalls>({
    name: 'appender',
    entry: peerEntry('appender'),
    env: { REDIS_URL: redis.url, REJOIN_PREFIX: PREFIX, PARTITIONS: String(PARTITIONS) },
    lifecycle,
  });
  return async (count) => {
    await peer.call('append', { count, usersPerPartition: USERS_PER_PARTITION, eventBytes: EVENT_BYTES });
  };
}

/** Milliseconds of CPU that Redis spends in a millisecond where nobody looks. */
async function cpuPerMs({ redis }: System): Promise<number> {
  const before = await redis.usage();
  const beganAtMs = performance.now();
  await delay(IDLE_MS);
  const { cpuSeconds } = usageBetween(before, await redis.usage());
  return (cpuSeconds * 1_000) / (performance.now() - beganAtMs);
}
