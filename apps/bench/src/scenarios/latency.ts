import { lowerIsBetter } from '../measure.ts';
import { Contestant, inTurn, type Scenario } from '../scenario.ts';
import { median, percentile } from '../statistics.ts';
import { type Side, usersNamed } from '../system.ts';

const FULL = { perSecond: 1_000, seconds: 5, warmUpSeconds: 3, rounds: 3 };
const QUICK = { perSecond: 200, seconds: 0.5, warmUpSeconds: 0.25, rounds: 1 };
const EVENT_BYTES = 250;
const TIMEOUT_MS = 30_000;

interface LatencyRound extends Record<string, unknown> {
  readonly side: Side;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

/** From the call that publishes to the client's handler, at a steady rate. */
export const latency: Scenario = {
  name: 'latency',
  async run(context) {
    const { perSecond, seconds, warmUpSeconds, rounds } = context.quick ? QUICK : FULL;
    const options = { gateways: 1, users: usersNamed('u', 1) };
    const sides = [
      await Contestant.start('rejoin', context, options),
      await Contestant.start('stock', context, options),
    ] as const;
    context.note('warming up');
    for (const contestant of sides) await runRound(contestant, perSecond, warmUpSeconds);
    const measured: LatencyRound[] = [];
    for (let round = 0; round < rounds; round++) {
      for (const contestant of inTurn(sides, round)) {
        const figures = await runRound(contestant, perSecond, seconds);
        measured.push(figures);
        context.note(`${figures.side}: p50 ${figures.p50} ms, p99 ${figures.p99} ms`);
      }
    }
    const figure = (side: Side, name: 'p50' | 'p90' | 'p99' | 'max') =>
      median(measured.filter((round) => round.side === side).map((round) => round[name]));
    const both = (name: 'p50' | 'p90' | 'p99' | 'max') =>
      ({ name, unit: 'ms', rejoin: figure('rejoin', name), stock: figure('stock', name) }) as const;
    return {
      title: `publish to handler at ${perSecond} events/s of ${EVENT_BYTES} B to one client`,
      parameters: { perSecond, eventBytes: EVENT_BYTES, secondsPerRound: seconds, rounds },
      redisVersion: sides[0].system.redis.version,
      measures: [
        lowerIsBetter({
          ...both('p50'),
          goal: { text: 'stock + 1 ms', reached: ({ rejoin, stock }) => rejoin <= stock + 1 },
        }),
        lowerIsBetter(both('p90')),
        lowerIsBetter({
          ...both('p99'),
          goal: { text: 'no worse', reached: ({ rejoin, stock }) => rejoin <= stock },
        }),
        lowerIsBetter(both('max')),
      ],
      rounds: measured,
    };
  },
};

async function runRound(contestant: Contestant, perSecond: number, seconds: number): Promise<LatencyRound> {
  await contestant.clients.call('takeLatencies', null);
  await contestant.publish({ count: perSecond * seconds, eventBytes: EVENT_BYTES, perSecond });
  await contestant.receiveAll(TIMEOUT_MS);
  const sorted = (await contestant.clients.call('takeLatencies', null)).sort((a, b) => a - b);
  const at = (share: number) => Number(percentile(sorted, share).toFixed(3));
  return { side: contestant.side, p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) };
}
