import { setTimeout as delay } from 'node:timers/promises';
import { lowerIsBetter } from '../measure.ts';
import type { Delivery } from '../peers/client-calls.ts';
import { Contestant, type Measure, type Scenario, type ScenarioContext } from '../scenario.ts';
import { type Side, usersNamed } from '../system.ts';

/** `lastWaitMs`: how long after the last event something may still be under way. */
const FULL = {
  rates: [1_000, 3_000],
  reconnects: 40,
  minPauseMs: 100,
  maxPauseMs: 300,
  seconds: 12,
  lastWaitMs: 5_000,
};
const QUICK = { rates: [200], reconnects: 4, minPauseMs: 50, maxPauseMs: 100, seconds: 1, lastWaitMs: 1_500 };
const EVENT_BYTES = 250;
const WARM_UP_TIMEOUT_MS = 30_000;
const LATE_DOUBLES_MS = 500;

interface ReconnectRound extends Delivery, Record<string, unknown> {
  readonly side: Side;
  readonly perSecond: number;
  readonly published: number;
}

interface RoundPlan {
  readonly perSecond: number;
  readonly count: number;
  readonly lastWaitMs: number;
  readonly hops: { readonly times: number; readonly minPauseMs: number; readonly maxPauseMs: number };
}

/** One client is cut off again and again while events come, and hops between two gateways. */
export const reconnect: Scenario = {
  name: 'reconnect',
  async run(context) {
    const { rates, reconnects, seconds, lastWaitMs, ...pauses } = context.quick ? QUICK : FULL;
    const rounds: ReconnectRound[] = [];
    let redisVersion = '';
    for (const perSecond of rates) {
      for (const side of ['rejoin', 'stock'] as const) {
        const contestant = await Contestant.start(side, context, { gateways: 2, users: usersNamed('u', 1) });
        redisVersion = contestant.system.redis.version;
        context.note(`${side}: ${reconnects} reconnects at ${perSecond} events/s`);
        const hops = { times: reconnects, ...pauses };
        rounds.push(await runRound(contestant, { perSecond, count: seconds * perSecond, lastWaitMs, hops }, context));
        await contestant.stop();
      }
    }
    return {
      title: `one client reconnects ${reconnects} times, to the other of two gateways, while events of ${EVENT_BYTES} B come`,
      parameters: {
        rates: rates.map(String),
        reconnects,
        secondsPerRate: seconds,
        lastWaitMs,
        eventBytes: EVENT_BYTES,
        ...pauses,
      },
      redisVersion,
      measures: rates.flatMap((perSecond) => measures(rounds, perSecond)),
      rounds,
    };
  },
};

async function runRound(
  contestant: Contestant,
  { perSecond, count, lastWaitMs, hops }: RoundPlan,
  context: ScenarioContext,
): Promise<ReconnectRound> {
  // A client has a position once it was given an event.
  await contestant.publish({ count: 500, eventBytes: EVENT_BYTES });
  await contestant.receiveAll(WARM_UP_TIMEOUT_MS);
  let hopping = true;
  const hopped = contestant.clients.call('hop', hops).finally(() => {
    hopping = false;
  });
  const { published } = await contestant.publish({ count, eventBytes: EVENT_BYTES, perSecond });
  if (hopping) context.note(`${contestant.side}: the last reconnects came after the last event`);
  await hopped;
  await contestant.receive(lastWaitMs);
  await delay(LATE_DOUBLES_MS);
  const { delivery } = await contestant.receive(0);
  context.note(
    `${contestant.side}: ${delivery.lost} lost, ${delivery.doubled} doubled, ${delivery.misordered} out of order`,
  );
  return { side: contestant.side, perSecond, published, ...delivery };
}

function measures(rounds: readonly ReconnectRound[], perSecond: number): Measure[] {
  const of = (side: Side) =>
    rounds.find((round) => round.side === side && round.perSecond === perSecond) as ReconnectRound;
  const names = { lost: 'lost', doubled: 'doubled', misordered: 'out of order' } as const;
  return (Object.keys(names) as (keyof typeof names)[]).map((kind) =>
    lowerIsBetter({
      name: `events ${names[kind]} at ${perSecond} events/s`,
      unit: 'count',
      rejoin: of('rejoin')[kind],
      stock: of('stock')[kind],
      goal: { text: '0', reached: ({ rejoin }) => rejoin === 0 },
    }),
  );
}
