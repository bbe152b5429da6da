// A service that publishes at a steady rate and keeps a journal, as one with an outbox does: what it is about to publish, and
// what was accepted. After a crash it publishes again what it does not know to be accepted, then goes on.
import { appendFileSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { createPublisher, PublisherClosedError } from '@rejoin/publisher';
import { SeededRandom } from '@rejoin/testing';
import { type ChaosEvent, drawAudience, flaky, plain, TENANTS } from './event-kinds.ts';
import type { JournalLine } from './journal.ts';

const { REDIS_URL = '', REJOIN_PREFIX = '', JOURNAL = '', PER_SECOND = '50', SEED = '0' } = process.env;
const RETRY_MS = 100;
/** One in so many events is of a kind that moves. */
const MOVING = 20;

const publisher = createPublisher({ redis: REDIS_URL, prefix: REJOIN_PREFIX, whenUnavailable: { waitMs: 60_000 } });
const record = (...lines: readonly JournalLine[]): void =>
  appendFileSync(JOURNAL, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));

/** Publishes until it is accepted: the same event again is the same event. */
async function publish(event: ChaosEvent, nth: number): Promise<void> {
  for (;;) {
    try {
      record({ accepted: event.id, ...(await attempt(event, nth)) });
      return;
    } catch (error) {
      if (error instanceof PublisherClosedError) throw error;
      await delay(RETRY_MS);
    }
  }
}

async function attempt(event: ChaosEvent, nth: number): Promise<{ entryId?: string }> {
  if (!event.moves) return { entryId: (await publisher.publish(plain(event, { padding: PADDING }))).id };
  if (nth % 2 === 0) {
    await publisher.schedules.add(plain(event), new Date(Date.now() + 500 + (nth % 7) * 500));
  } else {
    await publisher.publish(flaky(event, Date.now() + (nth % 5) * 600));
  }
  return {};
}

const PADDING = 'x'.repeat(200);
const journal = readFileSync(JOURNAL, 'utf8')
  .split('\n')
  .slice(0, -1)
  .map((line) => JSON.parse(line) as JournalLine);
const accepted = new Set(journal.map((line) => line.accepted));
const intended = journal.flatMap(({ intent }) => (intent ? [intent] : []));
const underWay: Promise<void>[] = [];
for (const [nth, event] of intended.entries()) if (!accepted.has(event.id)) underWay.push(publish(event, nth));

let isStopping = false;
process.on('SIGTERM', () => {
  isStopping = true;
});
process.on('disconnect', () => process.exit(1));
process.send?.({ type: 'ready', url: '' });

const random = new SeededRandom(Number(SEED) + intended.length);
const startedMs = performance.now();
for (let n = 0; !isStopping; ) {
  const due = ((performance.now() - startedMs) / 1_000) * Number(PER_SECOND);
  const batch: { readonly event: ChaosEvent; readonly nth: number }[] = [];
  for (; n < due; n++) {
    const nth = intended.length + n;
    const event = { id: `p${SEED}-${nth}`, tenant: random.pick(TENANTS), audience: drawAudience(random) };
    batch.push({ event: { ...event, moves: random.chance(1 / MOVING) }, nth });
  }
  if (batch.length > 0) record(...batch.map(({ event }) => ({ intent: event })));
  for (const { event, nth } of batch) underWay.push(publish(event, nth));
  await delay(20);
}
await Promise.all(underWay);
await publisher.close();
process.exit(0);
