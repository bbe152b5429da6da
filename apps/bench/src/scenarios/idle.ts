import { setTimeout as delay } from 'node:timers/promises';
import { lowerIsBetter } from '../measure.ts';
import { residentBytes } from '../resident-memory.ts';
import { inTurn, type Scenario } from '../scenario.ts';
import { median } from '../statistics.ts';
import type { Side } from '../system.ts';
import { WireContestant } from '../wire-contestant.ts';

const FULL = { warmUpSockets: 1_000, sockets: 4_000, settleMs: 10_000, rounds: 3 };
const QUICK = { warmUpSockets: 20, sockets: 50, settleMs: 100, rounds: 1 };

interface IdleRound extends Record<string, unknown> {
  readonly side: Side;
  readonly bytesPerConnection: number;
}

/** Connections that nothing happens on: how much memory of the gateway each takes. */
export const idle: Scenario = {
  name: 'idle',
  async run(context) {
    const { warmUpSockets, sockets, settleMs, rounds } = context.quick ? QUICK : FULL;
    const measured: IdleRound[] = [];
    let redisVersion = '';
    for (let round = 0; round < rounds; round++) {
      for (const side of inTurn(['rejoin', 'stock'] as const, round)) {
        const contestant = await WireContestant.start(side, context);
        redisVersion = contestant.redisVersion;
        // Code that runs for the first time, and the heap's first growth, are no connection's.
        await contestant.connect(warmUpSockets);
        await delay(settleMs);
        const before = await residentBytes(contestant.serverPid);
        await contestant.connect(sockets);
        await delay(settleMs);
        const bytesPerConnection = Math.round(((await residentBytes(contestant.serverPid)) - before) / sockets);
        measured.push({ side, bytesPerConnection });
        context.note(`${side}: ${bytesPerConnection} bytes`);
        await contestant.stop();
      }
    }
    const figure = (side: Side) =>
      median(measured.filter((each) => each.side === side).map(({ bytesPerConnection }) => bytesPerConnection)) / 1_024;
    return {
      title: `${sockets} idle connections to one gateway that has ${warmUpSockets}`,
      parameters: { warmUpSockets, sockets, settleMs, rounds },
      redisVersion,
      measures: [
        lowerIsBetter({
          name: 'resident memory per connection',
          unit: 'KiB',
          rejoin: figure('rejoin'),
          stock: figure('stock'),
          goal: { text: '≤ 1.1 × stock', reached: ({ rejoin, stock }) => rejoin <= 1.1 * stock },
        }),
      ],
      rounds: measured,
    };
  },
};
