import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { AudienceResolver, GroupCache } from '@rejoin/audience';
import { judgeCursor, readResumePoint } from '@rejoin/feed';
import { type DomainEvent, type EntryId, parseEvent, partitionOf } from '@rejoin/protocol';
import { LeaseStore, trimFeed } from '@rejoin/streams';
import { eventually } from '@rejoin/testing';
import { PathProof } from '../src/path-proof.ts';
import { Fixture, tenantRoom } from './fixture.ts';

const PARTITIONS = 4;
let fixture: Fixture;
const proofs: PathProof[] = [];
beforeEach(() => {
  fixture = new Fixture();
});
afterEach(async () => {
  for (const proof of proofs.splice(0)) proof.stop();
  await fixture.close();
});

function proofOf(options: { intervalMs: number; deadlineMs?: number; onProven?: (ms: number) => void }): PathProof {
  const proof = new PathProof({
    client: fixture.client,
    keys: fixture.keys,
    partitions: PARTITIONS,
    onError: (error) => {
      throw error;
    },
    ...options,
  });
  proofs.push(proof);
  proof.start();
  return proof;
}

async function canariesOf(partition: number): Promise<{ entryId: EntryId; event: DomainEvent }[]> {
  const entries = await fixture.client.xrange(fixture.keys.partition(partition).events, '-', '+');
  return entries.map(([entryId, [, json]]) => ({ entryId, event: JSON.parse(json as string) as DomainEvent }));
}

describe('a canary', () => {
  it('is an event of its partition like any other, and goes to no room', async () => {
    proofOf({ intervalMs: 40 });
    for (let partition = 0; partition < PARTITIONS; partition++) {
      await eventually(async () => expect(await canariesOf(partition)).not.toEqual([]));
      const { event } = (await canariesOf(partition))[0] as { event: DomainEvent };
      expect(parseEvent(event)).toEqual({ ok: true, event });
      expect(partitionOf(event.tenantid, PARTITIONS)).toBe(partition);
      const groups = new GroupCache(fixture.client, fixture.keys, PARTITIONS);
      expect(await new AudienceResolver({ groups }).resolve(event)).toEqual({ ok: true, rooms: [] });
    }
  });

  it('is not sent while another is on its way, nor while the partition brings something', async () => {
    const proof = proofOf({ intervalMs: 40 });
    await eventually(async () => expect(await canariesOf(0)).toHaveLength(1));
    const startedAtMs = performance.now();
    while (performance.now() - startedAtMs < 300) {
      proof.seen(1, [{ entryId: '1-1' }]);
      expect((await canariesOf(0)).length).toBe(1);
    }
    expect((await canariesOf(1)).length).toBeLessThanOrEqual(1);
  });

  it('that comes back tells how long it took, and another one follows later', async () => {
    const roundTrips: number[] = [];
    const proof = proofOf({ intervalMs: 40, onProven: (ms) => roundTrips.push(ms) });
    for (let round = 1; round <= 3; round++) {
      await eventually(async () => expect(await canariesOf(0)).toHaveLength(round));
      const { entryId } = (await canariesOf(0)).at(-1) as { entryId: EntryId };
      await eventually(() => {
        proof.seen(0, [{ entryId }]);
        expect(roundTrips).toHaveLength(round);
      });
    }
    expect(roundTrips.every((ms) => ms >= 0 && ms < 10_000)).toBe(true);
    expect(proof.state.detail).toContain('the last canary took');
  });

  it('that stays away makes a gateway not ready only where nothing comes through in any partition', async () => {
    const proof = proofOf({ intervalMs: 20, deadlineMs: 30 });
    await eventually(() => expect(proof.state.ready).toBe(false));
    expect(proof.state.detail).toContain('nothing comes through in partitions 0, 1, 2, 3');
    proof.seen(2, [{ entryId: `${Date.now() + 10_000}-0` }]);
    expect(proof.state.ready).toBe(true);
    expect(proof.state.detail).toContain('in partitions 0, 1, 3');
  });

  it('that is refused, because a backlog is full, says so and makes no gateway unready', async () => {
    const partition = fixture.keys.partition(0);
    await fixture.client.set(partition.full, 'memory');
    for (let other = 1; other < PARTITIONS; other++)
      await fixture.client.set(fixture.keys.partition(other).full, 'memory');
    const proof = proofOf({ intervalMs: 20, deadlineMs: 20 });
    await eventually(() => expect(proof.state.detail).toContain('memory'));
    expect(proof.state.ready).toBe(true);
  });

  it('is never sent where canaries are switched off', async () => {
    const gateway = await fixture.gateway();
    const { recorder } = fixture.connect(gateway, { token: 'acme/u1' });
    await eventually(() => expect(recorder.readies).toHaveLength(1));
    expect(gateway.gateway.checks.path).toEqual({ ready: true, detail: 'no canaries are sent' });
  });
});

describe('an entry in no room', () => {
  it('makes no gap when it is trimmed: nobody missed it', async () => {
    const { client } = fixture;
    const keys = fixture.keys.partition(0);
    const append = (route: (prev: string) => string, prev: string): Promise<EntryId> =>
      client.xadd(keys.feed, '*', 'route', route(prev), 'event', '{}') as Promise<EntryId>;
    const addressed = (prev: string): string => `${prev} acme x ${tenantRoom('acme')}`;
    const canary = (prev: string): string => `${prev} rejoin%3Acanary%3A1 rejoin-canary `;
    const first = await append(addressed, '0-0');
    const seen = await append(addressed, first);
    let prev = seen;
    for (let i = 0; i < 3; i++) prev = await append(canary, prev);
    const lease = await new LeaseStore(client, fixture.keys, 60_000).acquire(0);
    if (!lease) throw new Error('the lease is taken');
    await eventually(async () => {
      await trimFeed(client, keys, lease.token, { windowMs: 0, excessBytes: 0 });
      expect(await client.xlen(keys.feed)).toBe(0);
    });
    const judge = async (entryId: EntryId) => {
      const point = await readResumePoint(client, keys, entryId, [{ room: tenantRoom('acme'), since: '0-0' }]);
      expect(point.floor).toBe(prev);
      return judgeCursor({ epoch: point.epoch, partition: 0, entryId }, 0, point, 60_000).gap;
    };
    // A canary counts for nobody, wherever it stands.
    expect(await judge(seen)).toBeNull();
    expect(await judge(first)).toBe('window');
  });
});
