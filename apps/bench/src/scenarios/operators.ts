import { lowerIsBetter } from '../measure.ts';
import { OperatorLoad } from '../operator-load.ts';
import { operatorLooks } from '../operator-looks.ts';
import { OpsProcess } from '../ops-process.ts';
import { PeerProcess } from '../peer-process.ts';
import type { AppenderCalls } from '../peers/appender.ts';
import type { WireCalls } from '../peers/wire-calls.ts';
import { PREFIX, startRejoinSystem } from '../rejoin-system.ts';
import type { Scenario, ScenarioContext } from '../scenario.ts';
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
};
const QUICK = {
  fannedOut: 640,
  waiting: 640,
  deadLetters: 640,
  pendingPerPartition: 5,
  auditLines: 50,
  sockets: 20,
  requests: 2,
};
const PARTITIONS = 64;
const GATEWAYS = 2;
const USERS_PER_PARTITION = 250;
const EVENT_BYTES = 250;
const WARM_UP_REQUESTS = 3;
const MAX_P95_MS = 300;

interface Times {
  readonly name: string;
  readonly p50: number;
  readonly p95: number;
  readonly max: number;
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
    await fill(system, tenants, size, context);

    const tenant = tenants[0] as string;
    const looks = operatorLooks({
      tenant,
      user: 'u-0',
      // Of the first partition, whose tenant this is.
      fannedOut: 'e-0',
      // The first of them: a trace looks by name at no more than the oldest 2,000 of a partition.
      waiting: `e-${size.fannedOut}`,
    });
    const measured: Times[] = [];
    for (const { name, path } of looks) {
      for (let n = 0; n < WARM_UP_REQUESTS; n++) await ops.get(path);
      const times: number[] = [];
      for (let n = 0; n < size.requests; n++) {
        const startedAtMs = performance.now();
        await ops.get(path);
        times.push(performance.now() - startedAtMs);
      }
      times.sort((a, b) => a - b);
      const at = (share: number): number => Number(percentile(times, share).toFixed(1));
      measured.push({ name, p50: at(0.5), p95: at(0.95), max: at(1) });
      note(`${name}: p50 ${at(0.5)} ms, p95 ${at(0.95)} ms`);
    }
    const { fannedOut, waiting, ...sizes } = size;
    return {
      title: `an operator looks at ${PARTITIONS} partitions with ${fannedOut + waiting} events, ${size.deadLetters} dead letters and ${size.sockets} connections; p95 of each list`,
      parameters: { partitions: PARTITIONS, gateways: GATEWAYS, eventBytes: EVENT_BYTES, fannedOut, waiting, ...sizes },
      redisVersion: system.redis.version,
      measures: measured.map(({ name, p95 }) =>
        lowerIsBetter({
          name,
          unit: 'ms',
          rejoin: p95,
          stock: null,
          goal: { text: `≤ ${MAX_P95_MS} ms`, reached: ({ rejoin }) => rejoin <= MAX_P95_MS },
        }),
      ),
      rounds: measured.map((times) => ({ side: 'rejoin', ...times })),
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

/** Events that were fanned out and events that wait, of which some are in hand; dead letters, and lines of the audit. */
async function fill(
  system: System,
  tenants: readonly string[],
  size: typeof FULL,
  { lifecycle, note }: ScenarioContext,
): Promise<void> {
  const appender = await PeerProcess.start<AppenderCalls>({
    name: 'appender',
    entry: peerEntry('appender'),
    env: { REDIS_URL: system.redis.url, REJOIN_PREFIX: PREFIX, PARTITIONS: String(PARTITIONS) },
    lifecycle,
  });
  const append = (count: number) =>
    appender.call('append', { count, usersPerPartition: USERS_PER_PARTITION, eventBytes: EVENT_BYTES });
  const load = new OperatorLoad(system.redis.client, tenants);
  await append(size.fannedOut);
  await system.settled();
  note(`${size.fannedOut} events are fanned out`);
  await load.pause();
  await append(size.waiting);
  note(`${size.waiting} events wait`);
  await load.leavePending(size.pendingPerPartition);
  await load.addDeadLetters(size.deadLetters);
  await load.addAuditLines(size.auditLines);
  note(`${size.deadLetters} dead letters are kept`);
}
