import { setTimeout as delay } from 'node:timers/promises';
import { lowerIsBetter } from '../measure.ts';
import { residentBytes } from '../resident-memory.ts';
import type { Scenario } from '../scenario.ts';
import { median } from '../statistics.ts';
import { WireContestant } from '../wire-contestant.ts';

const FULL = { sockets: 5_000, perSecond: 2_000, seconds: 120, sampleMs: 5_000 };
const QUICK = { sockets: 50, perSecond: 100, seconds: 2, sampleMs: 250 };
const EVENT_BYTES = 250;
const TIMEOUT_MS = 60_000;
/** The last third is held against the middle one; in the first the heap finds its size. */
const MAX_GROWTH = 1.1;

/** Thousands of idle sockets while events pass them by, and now and then one for all: memory must stay where it is. */
export const soak: Scenario = {
  name: 'soak',
  async run(context) {
    const { sockets, perSecond, seconds, sampleMs } = context.quick ? QUICK : FULL;
    const contestant = await WireContestant.start('rejoin', context);
    await contestant.connect(sockets);
    context.note(`${sockets} sockets are connected`);
    const samples: number[] = [];
    const publishing = contestant.publishPast({ count: perSecond * seconds, eventBytes: EVENT_BYTES, perSecond });
    const until = performance.now() + seconds * 1_000;
    while (performance.now() < until) {
      await delay(sampleMs);
      samples.push(await residentBytes(contestant.serverPid));
      context.note(`gateway: ${Math.round((samples.at(-1) as number) / 1_048_576)} MB`);
    }
    const { published, finishedAtMs, startedAtMs } = await publishing;
    await contestant.publish({ count: 1, eventBytes: EVENT_BYTES });
    await contestant.receive(TIMEOUT_MS);
    const third = Math.max(1, Math.floor(samples.length / 3));
    const middle = median(samples.slice(third, 2 * third));
    const last = median(samples.slice(-third));
    const connected = await contestant.connected();
    return {
      title: `${sockets} idle sockets and ${perSecond} events/s to others for ${seconds} s`,
      parameters: { sockets, perSecond, seconds, eventBytes: EVENT_BYTES },
      redisVersion: contestant.redisVersion,
      measures: [
        lowerIsBetter({
          name: 'memory of the gateway in the last third, against the middle one',
          unit: '×',
          rejoin: last / middle,
          stock: null,
          goal: { text: `≤ ${MAX_GROWTH} ×`, reached: ({ rejoin }) => rejoin <= MAX_GROWTH },
        }),
        lowerIsBetter({ name: 'memory of the gateway at the end', unit: 'MB', rejoin: last / 1e6, stock: null }),
        lowerIsBetter({
          name: 'sockets that lost their connection',
          unit: 'count',
          rejoin: sockets - connected,
          stock: null,
          goal: { text: '0', reached: ({ rejoin }) => rejoin === 0 },
        }),
      ],
      rounds: [{ side: 'rejoin', samples, published, publishedForMs: Math.round(finishedAtMs - startedAtMs) }],
    };
  },
};
