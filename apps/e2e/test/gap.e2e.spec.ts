import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import {
  compareEntryIds,
  type EntryId,
  entryIdTimeMs,
  formatCursor,
  laterEntryId,
  parseCursor,
} from '@rejoin/protocol';
import type { Publisher } from '@rejoin/publisher';
import { eventually, uniquePrefix } from '@rejoin/testing';
import type { Client } from './client.ts';
import { type AcceptedEvent, lostWithNotice } from './gap-coverage.ts';
import { publish } from './load.ts';
import { System } from './system.ts';

jest.setTimeout(120_000);

const TENANT = 'acme';
const entryIdOf = (cursor: string | null | undefined): EntryId => {
  const parsed = parseCursor(cursor);
  if (!parsed) throw new Error(`not a cursor: ${cursor}`);
  return parsed.entryId;
};

let system: System;
let publisher: Publisher;
afterEach(() => system.stop());

async function start(env: Readonly<Record<string, string>>): Promise<void> {
  system = await System.start({ gateways: 1, env });
  publisher = system.publisher();
}

async function tell(count: number, audience = 'tenant', padding = 0): Promise<AcceptedEvent[]> {
  const published = await Promise.all(
    Array.from({ length: count }, async (): Promise<AcceptedEvent> => {
      const id = uniquePrefix();
      const { id: entryId } = await publish(publisher, {
        id,
        tenant: TENANT,
        audience,
        data: { padding: 'x'.repeat(padding) },
      });
      return { id, entryId };
    }),
  );
  return published;
}

/** A client that saw two events and went away. */
async function leftBehind(): Promise<{ readonly cursor: string; readonly pid: string }> {
  const client = system.connect({ tenant: TENANT, user: 'u1' });
  await client.ready();
  await client.delivered((await tell(2)).map(({ id }) => id));
  const cursor = client.recorder.cursor as string;
  client.close();
  return { cursor, pid: client.pid };
}

/** @returns what the client lost, all of it in the gap that it was told of, for this reason */
function expectGapToCoverLoss(client: Client, published: readonly AcceptedEvent[], reason: string) {
  expect(client.replays).toEqual([expect.objectContaining({ status: 'gap', reason })]);
  return lostWithNotice(client, published);
}

/** Resolves when the worker has passed these events. */
async function fannedOut(events: readonly AcceptedEvent[]): Promise<void> {
  const { done } = system.keysOf(TENANT);
  const last = events.map(({ entryId }) => entryId).reduce(laterEntryId);
  await eventually(async () => compareEntryIds((await system.client.get(done)) ?? '0-0', last) >= 0, {
    timeoutMs: 20_000,
  });
}

const floorOf = async (): Promise<EntryId> => (await system.client.get(system.keysOf(TENANT).floor)) ?? '0-0';

describe('G5', () => {
  it('G5 what the byte bound of the feed removed is reported with its range, and the rest is replayed', async () => {
    await start({ REPLAY_MAX_BYTES: '100kb' });
    const { cursor, pid } = await leftBehind();
    const missed = await tell(100, 'tenant', 4_000);
    await eventually(async () => compareEntryIds(await floorOf(), entryIdOf(cursor)) > 0);
    const client = system.connect({ tenant: TENANT, user: 'u1', auth: { pid, offset: cursor } });
    await client.ready();
    const lost = expectGapToCoverLoss(client, missed, 'window');
    expect(lost.length).toBeGreaterThan(0);
    expect(lost.length).toBeLessThan(missed.length);
    // It is no recovery in the eyes of a stock client.
    expect(client.pid).not.toBe(pid);
    const [live] = (await tell(1)) as [AcceptedEvent];
    await eventually(() => expect(client.recorder.ids().at(-1)).toBe(live.id));
  });

  it('G5 what is older than the replay window is reported', async () => {
    await start({ REPLAY_WINDOW: '1s' });
    const { cursor } = await leftBehind();
    const missed = await tell(10);
    await eventually(async () => compareEntryIds(await floorOf(), (missed.at(-1) as AcceptedEvent).entryId) >= 0, {
      timeoutMs: 10_000,
    });
    const late = await tell(3);
    const client = system.connect({ tenant: TENANT, user: 'u1', auth: { cursor } });
    await client.ready();
    expect(expectGapToCoverLoss(client, [...missed, ...late], 'window')).toEqual(missed);
  });

  it('G5 what the size bound of a room removed is reported, though other rooms are whole', async () => {
    await start({ REPLAY_MAX_PER_ROOM: '50' });
    const { cursor } = await leftBehind();
    const missed: AcceptedEvent[] = [];
    for (let n = 0; n < 20; n++) missed.push(...(await tell(10, 'tenant')), ...(await tell(1, 'user:u1')));
    await fannedOut(missed);
    const client = system.connect({ tenant: TENANT, user: 'u1', auth: { cursor } });
    await client.ready();
    const lost = expectGapToCoverLoss(client, missed, 'room_limit');
    const toTheUser = 20;
    expect(missed.length - lost.length - toTheUser).toBeGreaterThanOrEqual(50);
    expect(missed.length - lost.length - toTheUser).toBeLessThanOrEqual(55);
  });

  it('G5 what is removed from a room while it is still being replayed to a slow client is reported', async () => {
    await start({ REPLAY_MAX_PER_ROOM: '300' });
    const { cursor } = await leftBehind();
    const missed = await tell(280, 'tenant', 60_000);
    await fannedOut(missed);
    const client = system.connect({ tenant: TENANT, user: 'u1', auth: { cursor } });
    const started = new Promise<void>((resolve) =>
      client.socket.onAny(() => {
        if (client.recorder.events.length === 1) {
          client.stopReading();
          resolve();
        }
      }),
    );
    await started;
    const meanwhile = await tell(320, 'tenant', 60_000);
    await fannedOut(meanwhile);
    expect(client.recorder.readies).toEqual([]);
    client.read();
    await client.ready(1, { timeoutMs: 30_000 });
    const lost = expectGapToCoverLoss(client, [...missed, ...meanwhile], 'room_limit');
    expect(lost.length).toBeGreaterThan(0);
  });

  it('G5 a Redis that comes back with older data than clients have seen is found out, and every one of them is told', async () => {
    await start({});
    const { cursor } = await leftBehind();
    const copy = join(system.redis.directory, 'copy');
    const files = join(system.redis.directory, 'appendonlydir');
    const connected = system.connect({ tenant: TENANT, user: 'u1', auth: { cursor } });
    const other = system.connect({ tenant: otherPartitionsTenant(), user: 'u1' });
    await Promise.all([connected.ready(), other.ready()]);
    const kept = await tell(5);
    await connected.delivered(kept.map(({ id }) => id));
    await system.redis.kill();
    cpSync(files, copy, { recursive: true });
    await system.redis.restart();
    await system.client.ping();
    const lost = await eventually(() => tell(5), { timeoutMs: 10_000 });
    await connected.delivered(
      [...kept, ...lost].map(({ id }) => id),
      { timeoutMs: 10_000 },
    );
    const ahead = connected.recorder.cursor as string;
    await system.redis.kill();
    rmSync(files, { recursive: true });
    cpSync(copy, files, { recursive: true });
    await system.redis.restart();
    await connected.ready(2, { timeoutMs: 20_000 });
    expect(connected.recorder.closings).toMatchObject([{ code: 'OVERLOADED', retryable: true }]);
    expect(connected.replays[1]).toMatchObject({ status: 'gap', reason: 'epoch', from: ahead });
    // Nobody is told again who was told, and nobody whose events are all there.
    const after = await eventually(() => tell(3), { timeoutMs: 10_000 });
    await connected.delivered(
      [...kept, ...lost, ...after].map(({ id }) => id),
      { timeoutMs: 10_000 },
    );
    expect(connected.replays).toHaveLength(2);
    expect(other.disconnects).toEqual([]);
    // Who was away meanwhile is told as well, from a cursor that exists no more as from one that does.
    for (const old of [ahead, cursor]) {
      const away = system.connect({ tenant: TENANT, user: 'u1', auth: { cursor: old } });
      await away.ready();
      expect(away.replays).toMatchObject([{ status: 'gap', reason: 'epoch', from: old }]);
      expect(away.recorder.ids()).toEqual(expect.arrayContaining(after.map(({ id }) => id)));
    }
  });

  it('G5 a cursor of another installation, of the future, of no entry or of no meaning brings a gap that says so', async () => {
    await start({});
    const { cursor } = await leftBehind();
    const parsed = parseCursor(cursor) as NonNullable<ReturnType<typeof parseCursor>>;
    const missed = await tell(3);
    const cases: readonly (readonly [reason: string, cursor: unknown])[] = [
      ['epoch', formatCursor({ ...parsed, epoch: 'elsewhere' })],
      ['ahead', formatCursor({ ...parsed, entryId: `${entryIdTimeMs(parsed.entryId) + 3_600_000}-0` })],
      ['unknown_entry', formatCursor({ ...parsed, entryId: `${entryIdTimeMs(parsed.entryId)}-77` })],
      ['partition', formatCursor({ ...parsed, partition: (parsed.partition + 1) % 8 })],
      ['unreadable', 'rubbish'],
      ['unreadable', `${cursor}0${'9'.repeat(30)}`],
      ['unreadable', { entryId: 1 }],
      ['unreadable', '\u0000'],
    ];
    for (const [reason, offered] of cases) {
      const client = system.connect({ tenant: TENANT, user: 'u1', auth: { cursor: offered } });
      await client.ready();
      expect(client.replays).toMatchObject([{ status: 'gap', reason }]);
      const [live] = (await tell(1)) as [AcceptedEvent];
      missed.push(live);
      await eventually(() => expect(client.recorder.ids().at(-1)).toBe(live.id));
      expect(client.recorder.compareWith(client.recorder.ids())).toMatchObject({ doubled: [], misordered: [] });
      client.close();
    }
  });

  it('G5 a quiet client whose first cursor is long below the floor has no gap, for it was told the tail’s position', async () => {
    await start({ REPLAY_WINDOW: '2s' });
    const quiet = system.connect({ tenant: TENANT, user: 'quiet' });
    await quiet.ready();
    const first = entryIdOf(quiet.recorder.cursor);
    await eventually(
      async () => {
        await tell(1, 'user:somebody-else');
        return compareEntryIds(await floorOf(), first) > 0;
      },
      { timeoutMs: 20_000, intervalMs: 50 },
    );
    quiet.cut();
    const [missed] = (await tell(1, 'user:quiet')) as [AcceptedEvent];
    await quiet.ready(2);
    expect(quiet.replays[1]).toEqual({ status: 'complete', count: 1 });
    await quiet.delivered([missed.id]);
  });
});

function otherPartitionsTenant(): string {
  for (;;) {
    const other = uniquePrefix();
    if (system.keysOf(other).partition !== system.keysOf(TENANT).partition) return other;
  }
}
