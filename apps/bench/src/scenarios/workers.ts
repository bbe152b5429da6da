import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { keyspace, type PartitionKeys } from '@rejoin/redis';
import { BenchError } from '../errors.ts';
import { higherIsBetter, lowerIsBetter } from '../measure.ts';
import { MeteredRedis, type RedisUsage, usageBetween } from '../metered-redis.ts';
import { PeerProcess } from '../peer-process.ts';
import type { AppenderCalls } from '../peers/appender.ts';
import { PREFIX } from '../rejoin-system.ts';
import { residentBytes } from '../resident-memory.ts';
import type { Scenario, ScenarioContext } from '../scenario.ts';
import { median } from '../statistics.ts';
import { peerEntry } from '../system.ts';

const FULL = { events: 400_000, warmUpEvents: 60_000 };
const QUICK = { events: 2_000, warmUpEvents: 200 };
const PARTITIONS = 4;
const WORKERS = 2;
const EVENT_BYTES = 250;
const USERS_PER_PARTITION = 250;
const SAMPLE_MS = 250;
const TIMEOUT_MS = 300_000;
const LEAST_PER_SECOND = 10_000;
/** The last third is held against the middle one; in the first the heap finds its size. */
const MAX_GROWTH = 1.1;

/** Workers alone: a backlog in four partitions, worked off by two of them into feeds and indexes, beside appending it. */
export const workers: Scenario = {
  name: 'workers',
  async run(context) {
    const { events, warmUpEvents } = context.quick ? QUICK : FULL;
    const { lifecycle, note } = context;
    const redis = await MeteredRedis.start();
    lifecycle.onStop('Redis', () => redis.stop());
    const keys = keyspace(PREFIX);
    const partitions = Array.from({ length: PARTITIONS }, (_, partition) => keys.partition(partition));
    const appender = await PeerProcess.start<AppenderCalls>({
      name: 'appender',
      entry: peerEntry('appender'),
      env: { REDIS_URL: redis.url, REJOIN_PREFIX: PREFIX, PARTITIONS: String(PARTITIONS) },
      lifecycle,
    });
    const append = (count: number) =>
      appender.call('append', { count, usersPerPartition: USERS_PER_PARTITION, eventBytes: EVENT_BYTES });

    note('warming up');
    const pair = await startWorkers(redis, context);
    note(`rejoin: running as ${[redis.pid, appender.pid, ...pair.map(({ pid }) => pid)].join(', ')}`);
    await append(warmUpEvents);
    await untilHandled(redis, partitions);
    await pauseAll(redis, partitions);

    const emptyBytes = await usedBytes(redis);
    const beforeAppending = await redis.usage();
    const appended = await append(events);
    const appending = usageBetween(beforeAppending, await redis.usage());
    note(`appended ${Math.round(appended.perSecond)} events/s`);
    const backlogBytes = (await usedBytes(redis)) - emptyBytes;

    const samples: number[] = [];
    const beforeWorking = await redis.usage();
    const startedAtMs = performance.now();
    await goOn(redis, partitions);
    await untilHandled(redis, partitions, async () => {
      samples.push(Math.max(...(await Promise.all(pair.map(({ pid }) => residentBytes(pid))))));
    });
    const perSecond = events / ((performance.now() - startedAtMs) / 1_000);
    const working = usageBetween(beforeWorking, await redis.usage());
    note(`fanned out ${Math.round(perSecond)} events/s`);
    await untilTrimmed(redis, partitions);
    const storedBytes = (await usedBytes(redis)) - emptyBytes;
    const third = Math.max(1, Math.floor(samples.length / 3));
    const growth = median(samples.slice(-third)) / median(samples.slice(third, 2 * third));
    return {
      title: `${events} events of ${EVENT_BYTES} B to one user each, from event streams of ${PARTITIONS} partitions into feeds and indexes, by ${WORKERS} workers`,
      parameters: {
        events,
        eventBytes: EVENT_BYTES,
        partitions: PARTITIONS,
        workers: WORKERS,
        users: PARTITIONS * USERS_PER_PARTITION,
      },
      redisVersion: redis.version,
      measures: [
        higherIsBetter({
          name: 'fanned out',
          unit: 'events/s',
          rejoin: perSecond,
          stock: null,
          goal: {
            text: `≥ ${LEAST_PER_SECOND.toLocaleString('en')}`,
            reached: ({ rejoin }) => rejoin >= LEAST_PER_SECOND,
          },
        }),
        higherIsBetter({
          name: 'plain pipelined XADD by one process',
          unit: 'events/s',
          rejoin: appended.perSecond,
          stock: null,
        }),
        lowerIsBetter({
          name: 'plain XADD, against fan-out',
          unit: '×',
          rejoin: appended.perSecond / perSecond,
          stock: null,
        }),
        ...perEvent('fan-out', working, events),
        ...perEvent('plain XADD', appending, events),
        lowerIsBetter({
          name: 'memory of Redis per waiting event',
          unit: 'B',
          rejoin: backlogBytes / events,
          stock: null,
        }),
        lowerIsBetter({
          name: 'memory of Redis per stored event',
          unit: 'B',
          rejoin: storedBytes / events,
          stock: null,
        }),
        lowerIsBetter({
          name: 'memory of a worker in the last third, against the middle one',
          unit: '×',
          rejoin: growth,
          stock: null,
          goal: { text: `≤ ${MAX_GROWTH} ×`, reached: ({ rejoin }) => rejoin <= MAX_GROWTH },
        }),
        lowerIsBetter({
          name: 'memory of a worker at the end',
          unit: 'MB',
          rejoin: (samples.at(-1) ?? Number.NaN) / 1e6,
          stock: null,
        }),
      ],
      rounds: [
        {
          side: 'rejoin',
          perSecond: Math.round(perSecond),
          appendedPerSecond: Math.round(appended.perSecond),
          samples,
        },
      ],
    };
  },
};

function perEvent(name: string, { cpuSeconds, inputBytes, outputBytes }: RedisUsage, events: number) {
  return [
    lowerIsBetter({
      name: `CPU of Redis per event, ${name}`,
      unit: 'µs',
      rejoin: (cpuSeconds * 1e6) / events,
      stock: null,
    }),
    lowerIsBetter({ name: `bytes to Redis per event, ${name}`, unit: 'B', rejoin: inputBytes / events, stock: null }),
    lowerIsBetter({
      name: `bytes from Redis per event, ${name}`,
      unit: 'B',
      rejoin: outputBytes / events,
      stock: null,
    }),
  ];
}

function startWorkers(redis: MeteredRedis, { lifecycle, profileDirectory }: ScenarioContext): Promise<PeerProcess[]> {
  const env = {
    REDIS_URL: redis.url,
    REJOIN_PREFIX: PREFIX,
    REJOIN_PARTITIONS: String(PARTITIONS),
    PORT: '0',
    LOG_LEVEL: 'warn',
  };
  return Promise.all(
    Array.from({ length: WORKERS }, (_, n) =>
      PeerProcess.start({
        name: `worker-${n + 1}`,
        entry: fileURLToPath(new URL('../../../../dist/worker.js', import.meta.url)),
        env,
        execArgv: profileDirectory === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDirectory}`],
        lifecycle,
        stopSignal: 'SIGTERM',
      }),
    ),
  );
}

/** Keeps owners from taking while the backlog grows, as an operator would. */
async function pauseAll({ client }: MeteredRedis, partitions: readonly PartitionKeys[]): Promise<void> {
  for (const { paused } of partitions) await client.set(paused, '{"reason":"bench"}', 'PX', TIMEOUT_MS);
}

async function goOn({ client }: MeteredRedis, partitions: readonly PartitionKeys[]): Promise<void> {
  await client.del(...partitions.map(({ paused }) => paused));
}

async function usedBytes({ client }: MeteredRedis): Promise<number> {
  return Number(/^used_memory:(\d+)/m.exec(await client.info('memory'))?.[1]);
}

async function untilHandled(
  redis: MeteredRedis,
  partitions: readonly PartitionKeys[],
  sample = async () => {},
): Promise<void> {
  let sampledAtMs = 0;
  await until(async () => {
    if (performance.now() - sampledAtMs > SAMPLE_MS) {
      sampledAtMs = performance.now();
      await sample();
    }
    const handled = await Promise.all(
      partitions.map(async ({ events, done }) => {
        const [last] = await redis.client.xrevrange(events, '+', '-', 'COUNT', 1);
        return last === undefined || last[0] === (await redis.client.get(done));
      }),
    );
    return handled.every(Boolean);
  });
}

/** Upkeep removes what was handled from the event streams, but for less than a node of a hundred. */
async function untilTrimmed({ client }: MeteredRedis, partitions: readonly PartitionKeys[]): Promise<void> {
  await until(async () =>
    (await Promise.all(partitions.map(({ events }) => client.xlen(events)))).every((length) => length <= 100),
  );
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + TIMEOUT_MS;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new BenchError('NOT_DELIVERED', `not within ${TIMEOUT_MS / 1_000} s`);
    await delay(20);
  }
}
