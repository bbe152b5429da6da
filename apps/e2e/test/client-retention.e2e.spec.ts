import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { compareEntryIds, type EntryId, formatCursor, parseCursor } from '@rejoin/protocol';
import { eventually } from '@rejoin/testing';
import { Page } from './page.ts';
import { System } from './system.ts';

jest.setTimeout(180_000);

const PATIENT = { timeoutMs: 60_000 };
const MAX_BYTES = 60_000;

let system: System;
let page: Page;
afterEach(async () => {
  page.close();
  await system.stop();
});

/** A page that saw two events and was closed, of a system that keeps as little as `env` says. */
async function leave(env: Readonly<Record<string, string>>): Promise<void> {
  system = await System.start({ gateways: 1, env });
  page = new Page(system, system.publisher());
  await page.client.ready();
  await page.publish(2);
  await eventually(() => expect(page.handed).toEqual([1, 2]), PATIENT);
  page.client.close();
  page.handed.length = 0;
}

/** Loads the page again and lets one more event come; resolves to what it was handed, and to how its connection began. */
async function comeBack(): Promise<{ readonly handed: number[]; readonly replay: string | undefined }> {
  await page.load().ready();
  await page.publish(1);
  await eventually(() => expect(page.handed.at(-1)).toBe(page.published), PATIENT);
  page.client.close();
  return { handed: page.handed.splice(0), replay: page.replays.at(-1) };
}

const upTo = (last: number, count: number): number[] => Array.from({ length: count }, (_, i) => last - count + 1 + i);
const floorOf = async (): Promise<EntryId> => (await system.client.get(system.keysOf(page.tenant).floor)) ?? '0-0';
const feedOf = async (): Promise<EntryId[]> =>
  (await system.client.xrange(system.keysOf(page.tenant).feed, '-', '+')).map(([id]) => id);

/** Publishes, and waits until all of it is fanned out. */
async function publishUnseen(count: number): Promise<void> {
  await page.publish(count);
  const { events, done } = system.keysOf(page.tenant);
  await eventually(async () => {
    const info = (await system.client.xinfo('STREAM', events)) as unknown[];
    expect(await system.client.get(done)).toBe(info[info.indexOf('last-generated-id') + 1]);
  }, PATIENT);
}

/** The page's position is this entry. */
function placeAt(entryId: EntryId): void {
  for (const [key, cursor] of page.store) {
    const parsed = parseCursor(cursor);
    if (parsed) page.store.set(key, formatCursor({ ...parsed, entryId }));
  }
}

describe('@rejoin/client that comes back when not everything is kept any more', () => {
  it('after longer than the window is told so, and goes on with what comes', async () => {
    await leave({ REPLAY_WINDOW: '1s' });
    await publishUnseen(10);
    await eventually(async () => expect(await feedOf()).toEqual([]), PATIENT);
    expect(await comeBack()).toEqual({ handed: [13], replay: 'window' });
    expect(await comeBack()).toEqual({ handed: [14], replay: 'complete' });
  });

  it('at the edge of what was trimmed has no gap, and one entry before it has one', async () => {
    await leave({ REPLAY_MAX_BYTES: String(MAX_BYTES) });
    await publishUnseen(400);
    await eventually(async () => {
      expect(Number(await system.client.get(system.keysOf(page.tenant).feedBytes))).toBeLessThanOrEqual(MAX_BYTES);
      expect(await floorOf()).not.toBe('0-0');
    }, PATIENT);
    const floor = await floorOf();
    const kept = (await feedOf()).length;
    const last = page.published;
    placeAt(floor);
    expect(await comeBack()).toEqual({ handed: upTo(last + 1, kept + 1), replay: 'complete' });
    // That one may have been trimmed meanwhile for the sake of the new one.
    const [edge, feed] = [await floorOf(), await feedOf()];
    const [ms, sequence] = edge.split('-') as [string, string];
    placeAt(sequence === '0' ? `${BigInt(ms) - 1n}-0` : `${ms}-${BigInt(sequence) - 1n}`);
    const back = await comeBack();
    expect(back.replay).toBe('window');
    expect(back.handed.at(-1)).toBe(last + 2);
    expect(back.handed).toEqual(upTo(last + 2, back.handed.length));
    expect(back.handed.length).toBeLessThanOrEqual(feed.length + 1);
    expect(compareEntryIds(edge, floor)).toBeGreaterThanOrEqual(0);
  });

  it('when a room was cut is told so, and is handed what the room still has, in order', async () => {
    await leave({ REPLAY_MAX_PER_ROOM: '50' });
    await publishUnseen(200);
    const { handed, replay } = await comeBack();
    expect(replay).toBe('room_limit');
    expect(handed).toEqual(upTo(203, handed.length));
    expect(handed.length).toBeGreaterThanOrEqual(50);
    expect(handed.length).toBeLessThanOrEqual(57);
  });
});
