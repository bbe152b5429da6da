import { higherIsBetter } from '../measure.ts';
import type { Scenario } from '../scenario.ts';
import { median } from '../statistics.ts';
import { WireContestant, type WireSide } from '../wire-contestant.ts';

const FULL = { sockets: 1_000, events: 200, warmUpEvents: 60, rounds: 5 };
const QUICK = { sockets: 20, events: 20, warmUpEvents: 5, rounds: 1 };
const EVENT_BYTES = 250;
const TIMEOUT_MS = 60_000;
const SIDES = ['rejoin', 'stock', 'ws'] as const;

/** Events that everybody receives, published as fast as may be; besides stock, against a bare `ws` broadcast. */
export const fanout: Scenario = {
  name: 'fanout',
  async run(context) {
    const { sockets, events, warmUpEvents, rounds } = context.quick ? QUICK : FULL;
    const contestants: WireContestant[] = [];
    for (const side of SIDES) {
      const contestant = await WireContestant.start(side, context);
      await contestant.connect(sockets);
      contestants.push(contestant);
    }
    context.note('warming up');
    for (const contestant of contestants) await runRound(contestant, warmUpEvents, sockets);
    const measured: { readonly side: WireSide; readonly deliveriesPerSecond: number }[] = [];
    for (let round = 0; round < rounds; round++) {
      for (let place = 0; place < contestants.length; place++) {
        const contestant = contestants[(round + place) % contestants.length] as WireContestant;
        const deliveriesPerSecond = Math.round(await runRound(contestant, events, sockets));
        measured.push({ side: contestant.side, deliveriesPerSecond });
        context.note(`${contestant.side}: ${deliveriesPerSecond} deliveries/s`);
      }
    }
    const rate = (side: WireSide) =>
      median(measured.filter((each) => each.side === side).map(({ deliveriesPerSecond }) => deliveriesPerSecond));
    return {
      title: `${events} events of ${EVENT_BYTES} B to each of ${sockets} sockets, from the first publish to the last receipt`,
      parameters: { sockets, events, eventBytes: EVENT_BYTES, rounds },
      redisVersion: contestants[0]?.redisVersion ?? '',
      measures: [
        higherIsBetter({ name: 'deliveries', unit: 'events/s', rejoin: rate('rejoin'), stock: rate('stock') }),
        higherIsBetter({
          name: 'deliveries, against a bare ws broadcast in the place of stock',
          unit: 'events/s',
          rejoin: rate('rejoin'),
          stock: rate('ws'),
          goal: { text: '≥ 0.95 ×', reached: ({ ratio }) => ratio >= 0.95 },
        }),
      ],
      rounds: measured,
    };
  },
};

async function runRound(contestant: WireContestant, events: number, sockets: number): Promise<number> {
  const { startedAtMs } = await contestant.publish({ count: events, eventBytes: EVENT_BYTES });
  const { lastReceivedAtMs } = await contestant.receive(TIMEOUT_MS);
  return (events * sockets) / ((lastReceivedAtMs - startedAtMs) / 1_000);
}
