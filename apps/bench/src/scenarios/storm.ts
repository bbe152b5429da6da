import { setTimeout as delay } from 'node:timers/promises';
import { lowerIsBetter } from '../measure.ts';
import { usageBetween } from '../metered-redis.ts';
import type { Delivery } from '../peers/client-calls.ts';
import { Contestant, type Measure, type Scenario, type ScenarioContext } from '../scenario.ts';
import { median } from '../statistics.ts';
import { type Side, usersNamed } from '../system.ts';

/**
 * Rounds are so many that their median is that of processes which have run for a while; the first is told beside it.
 * `settleMs`: after a cut the gateway notices, and after publishing the last reads end.
 */
const FULL = { clients: 400, missed: 9_000, others: 90_000, rounds: 9, othersRounds: 3, settleMs: 500 };
const QUICK = { clients: 20, missed: 90, others: 180, rounds: 1, othersRounds: 1, settleMs: 50 };
type Sizes = typeof FULL;
const EVENT_BYTES = 250;
const TIMEOUT_MS = 170_000;
/** Stock clients whose recovery failed never get what they missed. */
const QUIET_MS = 5_000;

interface StormRound extends Delivery, Record<string, unknown> {
  readonly side: Side;
  /** Events to other users published in the same time. */
  readonly others: number;
  readonly elapsedMs: number;
  readonly redisOutputBytes: number;
  readonly redisCpuSeconds: number;
}

/** Many clients of one gateway are cut off and come back at the same moment. */
export const storm: Scenario = {
  name: 'storm',
  async run(context) {
    const sizes = context.quick ? QUICK : FULL;
    const { clients, missed, others, rounds, othersRounds } = sizes;
    const users = usersNamed('u', clients);

    const rejoin = await Contestant.start('rejoin', context, { gateways: 1, users });
    await warmUp(rejoin, sizes, context);
    const plain: StormRound[] = [];
    for (let round = 0; round < rounds; round++) plain.push(await runRound(rejoin, { ...sizes, others: 0 }, context));
    const crowded: StormRound[] = [];
    for (let round = 0; round < othersRounds; round++) crowded.push(await runRound(rejoin, sizes, context));
    const redisVersion = rejoin.system.redis.version;
    await rejoin.stop();

    const stock = await Contestant.start('stock', context, { gateways: 1, users });
    await warmUp(stock, sizes, context);
    const stockRound = await runRound(stock, { ...sizes, others: 0 }, context);
    await stock.stop();

    return {
      title: `${clients} clients come back at once; ${missed} events of ${EVENT_BYTES} B missed among them`,
      parameters: {
        clients,
        missed,
        eventBytes: EVENT_BYTES,
        others,
        rejoinRounds: rounds,
        rejoinRoundsWithOthers: othersRounds,
        stockRounds: 1,
      },
      redisVersion,
      measures: measures(plain, crowded, stockRound, others),
      rounds: [...plain, ...crowded, stockRound],
    };
  },
};

/** Everybody has a position after one event; then a small storm. */
async function warmUp(contestant: Contestant, sizes: Sizes, context: ScenarioContext): Promise<void> {
  context.note(`${contestant.side}: warming up`);
  await contestant.publish({ count: sizes.clients, eventBytes: EVENT_BYTES });
  await contestant.receiveAll(TIMEOUT_MS);
  await runRound(contestant, { ...sizes, missed: sizes.clients, others: 0 }, context);
}

async function runRound(
  contestant: Contestant,
  { missed, others, settleMs }: Sizes,
  context: ScenarioContext,
): Promise<StormRound> {
  const { system, side, clients } = contestant;
  await clients.call('cut', null);
  await delay(settleMs);
  const plan = { count: missed, eventBytes: EVENT_BYTES };
  const perEvent = Math.round(others / missed);
  await contestant.publish(others === 0 ? plan : { ...plan, others: { users: usersNamed('other', 1_000), perEvent } });
  await system.settled();
  await delay(settleMs);
  context.note(`${side}: coming back to ${missed} missed events, ${others} others among them`);
  const before = await system.redis.usage();
  const reception = await contestant.comeBack(TIMEOUT_MS, QUIET_MS);
  const spent = usageBetween(before, await system.redis.usage());
  const { complete, elapsedMs, delivery } = reception;
  const round = {
    side,
    others,
    complete,
    elapsedMs,
    ...delivery,
    redisOutputBytes: spent.outputBytes,
    redisCpuSeconds: Number(spent.cpuSeconds.toFixed(3)),
  };
  context.note(`${side}: ${(round.elapsedMs / 1_000).toFixed(2)} s, ${(spent.outputBytes / 1e6).toFixed(1)} MB`);
  return round;
}

function measures(
  plain: readonly StormRound[],
  crowded: readonly StormRound[],
  stock: StormRound,
  others: number,
): Measure[] {
  const seconds = (rounds: readonly StormRound[]) => median(rounds.map(({ elapsedMs }) => elapsedMs)) / 1_000;
  const megabytes = (rounds: readonly StormRound[]) => median(rounds.map((round) => round.redisOutputBytes)) / 1e6;
  const cpu = (rounds: readonly StormRound[]) => median(rounds.map(({ redisCpuSeconds }) => redisCpuSeconds));
  const wrong = (rounds: readonly StormRound[], kind: 'lost' | 'doubled' | 'misordered') =>
    Math.max(...rounds.map((round) => round[kind]));
  const all = [...plain, ...crowded];
  const none = { text: '0', reached: ({ rejoin }: { rejoin: number }) => rejoin === 0 };
  return [
    lowerIsBetter({
      name: 'until the last client has everything',
      unit: 's',
      rejoin: seconds(plain),
      stock: seconds([stock]),
      goal: { text: '≥ 60 ×', reached: ({ ratio }) => ratio >= 60 },
    }),
    lowerIsBetter({
      name: 'the first time, by processes that have just started',
      unit: 's',
      rejoin: seconds(plain.slice(0, 1)),
      stock: seconds([stock]),
    }),
    lowerIsBetter({
      name: 'read from Redis',
      unit: 'MB',
      rejoin: megabytes(plain),
      stock: megabytes([stock]),
      goal: { text: '≤ 6 MB', reached: ({ rejoin }) => rejoin <= 6 },
    }),
    lowerIsBetter({
      name: 'clients that were not recovered',
      unit: 'count',
      rejoin: Math.max(...all.map(({ failedRecoveries }) => failedRecoveries)),
      stock: stock.failedRecoveries,
      goal: none,
    }),
    lowerIsBetter({ name: 'CPU of Redis', unit: 's', rejoin: cpu(plain), stock: cpu([stock]) }),
    lowerIsBetter({ name: 'events lost', unit: 'count', rejoin: wrong(all, 'lost'), stock: stock.lost, goal: none }),
    lowerIsBetter({
      name: 'events doubled',
      unit: 'count',
      rejoin: wrong(all, 'doubled'),
      stock: stock.doubled,
      goal: none,
    }),
    lowerIsBetter({
      name: 'events out of order',
      unit: 'count',
      rejoin: wrong(all, 'misordered'),
      stock: stock.misordered,
      goal: none,
    }),
    lowerIsBetter({
      name: `time with ${others} other events in the stream, against none`,
      unit: '×',
      rejoin: seconds(crowded) / seconds(plain),
      stock: null,
      goal: { text: '≤ 1.5 ×', reached: ({ rejoin }) => rejoin <= 1.5 },
    }),
    lowerIsBetter({
      name: `read from Redis with ${others} others, against none`,
      unit: '×',
      rejoin: megabytes(crowded) / megabytes(plain),
      stock: null,
      goal: { text: '≤ 1.1 ×', reached: ({ rejoin }) => rejoin <= 1.1 },
    }),
  ];
}
