import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type Cursor, type EntryId, entryIdTimeMs, formatCursor, parseCursor } from '@rejoin/protocol';
import type { Publisher } from '@rejoin/publisher';
import { eventually } from '@rejoin/testing';
import { Page } from './page.ts';
import { System } from './system.ts';

jest.setTimeout(120_000);

const PATIENT = { timeoutMs: 60_000 };

let system: System;
let publisher: Publisher;
let page: Page;
beforeAll(async () => {
  system = await System.start({ gateways: 1 });
  publisher = system.publisher();
});
afterEach(() => page.close());
afterAll(() => system.stop());

/** What the feed holds after an entry. */
const entriesAfter = async (entryId: EntryId): Promise<EntryId[]> =>
  (await system.client.xrange(system.keysOf(page.tenant).feed, `(${entryId}`, '+')).map(([id]) => id);

/** A page that saw two events, in one partition or another, and was closed. Returns its position. */
async function leave(): Promise<Cursor> {
  page = new Page(system, publisher);
  await page.client.ready();
  await page.publish(2);
  await eventually(() => expect(page.handed).toEqual([1, 2]), PATIENT);
  const position = parseCursor(page.client.cursor);
  page.client.close();
  page.handed.length = 0;
  if (!position) throw new Error('it has no position');
  return position;
}

/** Three more events come: each once, in order, behind what was replayed. */
async function expectLive(replayed: readonly number[]): Promise<void> {
  const first = page.published + 1;
  for (let n = 0; n < 3; n++) await page.publish(1);
  await eventually(() => expect(page.handed.at(-1)).toBe(first + 2), PATIENT);
  expect(page.handed).toEqual([...replayed, first, first + 1, first + 2]);
  expect(page.problems).toEqual([]);
}

/** What is missing ends where its position is, or before everything that is kept. */
type End = 'position' | 'floor';

describe('@rejoin/client is told precisely of a gap, and live events flow in order', () => {
  it.each<[which: string, reason: string, tampered: (seen: Cursor) => Cursor | string, end: End, replayed: number[]]>([
    ['of a history that nobody knows', 'epoch', (seen) => ({ ...seen, epoch: 'elsewhere' }), 'position', []],
    ['ahead of everything', 'ahead', (seen) => ({ ...seen, entryId: '99999999999999-0' }), 'position', []],
    [
      'where no entry ever was',
      'unknown_entry',
      (seen) => ({ ...seen, entryId: `${entryIdTimeMs(seen.entryId) - 1}-77` }),
      'position',
      [1, 2],
    ],
    [
      'of another partition',
      'partition',
      (seen) => ({ ...seen, partition: (seen.partition + 1) % 8 }),
      'floor',
      [1, 2],
    ],
    ['that cannot be read', 'unreadable', () => 'rubbish', 'floor', [1, 2]],
  ])('where its position is one %s', async (_which, reason, tampered, end, replayed) => {
    const seen = await leave();
    const offered = tampered(seen);
    const cursor = typeof offered === 'string' ? offered : formatCursor(offered);
    for (const key of page.store.keys()) page.store.set(key, cursor);
    await page.load().ready();
    const position = reason === 'unknown_entry' ? (offered as Cursor).entryId : seen.entryId;
    expect(page.gaps).toEqual([
      {
        status: 'gap',
        reason,
        count: replayed.length,
        from: typeof offered === 'string' ? null : cursor,
        oldest: formatCursor({ ...seen, entryId: end === 'floor' ? '0-0' : position }),
      },
    ]);
    await expectLive(replayed);
  });

  it('where an event that it missed is no longer kept, and its neighbours are', async () => {
    const seen = await leave();
    await page.publish(3);
    const missed = await eventually(async () => {
      const entries = await entriesAfter(seen.entryId);
      return entries.length === 3 && entries;
    }, PATIENT);
    const lost = missed[1] as EntryId;
    await system.client.xdel(system.keysOf(page.tenant).feed, lost);
    await page.load().ready();
    expect(page.gaps).toEqual([
      {
        status: 'gap',
        reason: 'payload_missing',
        count: 2,
        from: formatCursor(seen),
        // The end of the page in which it is missing.
        oldest: formatCursor({ ...seen, entryId: missed[2] as EntryId }),
      },
    ]);
    await expectLive([3, 5]);
  });
});
