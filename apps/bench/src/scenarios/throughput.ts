import { higherIsBetter } from '../measure.ts';
import { Contestant, inTurn, type Scenario } from '../scenario.ts';
import { median } from '../statistics.ts';
import { type Side, usersNamed } from '../system.ts';

const FULL = { events: 30_000, warmUpEvents: 15_000, rounds: 5 };
const QUICK = { events: 300, warmUpEvents: 100, rounds: 1 };
const EVENT_BYTES = 250;
const TIMEOUT_MS = 60_000;

/** Events to one client, published as fast as may be. */
export const throughput: Scenario = {
  name: 'throughput',
  async run(context) {
    const { events, warmUpEvents, rounds } = context.quick ? QUICK : FULL;
    const options = { gateways: 1, users: usersNamed('u', 1) };
    const sides = [
      await Contestant.start('rejoin', context, options),
      await Contestant.start('stock', context, options),
    ] as const;
    context.note('warming up');
    for (const contestant of sides) await runRound(contestant, warmUpEvents);
    const measured: { readonly side: Side; readonly eventsPerSecond: number }[] = [];
    for (let round = 0; round < rounds; round++) {
      for (const contestant of inTurn(sides, round)) {
        const eventsPerSecond = await runRound(contestant, events);
        measured.push({ side: contestant.side, eventsPerSecond: Math.round(eventsPerSecond) });
        context.note(`${contestant.side}: ${Math.round(eventsPerSecond)} events/s`);
      }
    }
    const rate = (side: Side) =>
      median(measured.filter((round) => round.side === side).map(({ eventsPerSecond }) => eventsPerSecond));
    return {
      title: `${events} events of ${EVENT_BYTES} B to one client, from the first publish to the last handler`,
      parameters: { events, eventBytes: EVENT_BYTES, rounds },
      redisVersion: sides[0].system.redis.version,
      measures: [
        higherIsBetter({
          name: 'delivered',
          unit: 'events/s',
          rejoin: rate('rejoin'),
          stock: rate('stock'),
          goal: { text: '≥ 1 ×, aim 1.5 ×', reached: ({ ratio }) => ratio >= 1 },
        }),
      ],
      rounds: measured,
    };
  },
};

async function runRound(contestant: Contestant, events: number): Promise<number> {
  const [{ startedAtMs }, { lastReceivedAtMs }] = await Promise.all([
    contestant.publish({ count: events, eventBytes: EVENT_BYTES }),
    contestant.receiveAll(TIMEOUT_MS),
  ]);
  await contestant.system.settled();
  return events / ((lastReceivedAtMs - startedAtMs) / 1_000);
}
