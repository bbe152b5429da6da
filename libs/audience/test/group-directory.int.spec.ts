import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { parseRoom } from '@rejoin/protocol';
import { connect, disconnect, type Keyspace, keyspace, type RedisClient } from '@rejoin/redis';
import { testRedis, uniquePrefix } from '@rejoin/testing';
import fc from 'fast-check';
import {
  GroupCache,
  GroupChanges,
  GroupDirectory,
  GroupLimitError,
  InvalidGroupError,
  MAX_EXPANDED_MEMBERS,
  MAX_GROUPS_OF_USER,
} from '../src/index.ts';

const PARTITIONS = 2;
let client: RedisClient;
let keys: Keyspace;
let groups: GroupDirectory;

beforeEach(() => {
  client = connect({ url: testRedis(), use: 'commands', name: 'test', onError: () => undefined });
  keys = keyspace(uniquePrefix());
  groups = new GroupDirectory(client, keys, PARTITIONS);
});
afterEach(() => disconnect(client));

const users = (count: number, prefix = 'u'): string[] => Array.from({ length: count }, (_, i) => `${prefix}${i}`);

async function membersOf(tenantId: string, group: string): Promise<string[]> {
  const { rooms } = await groups.members(tenantId, group);
  return (rooms ?? []).map((room) => parseRoom(room).token.slice('user:'.length)).sort();
}

describe('a group', () => {
  test('has the members it was given, each once, and loses those it was taken', async () => {
    expect(await groups.add('acme', 'team', ['a', 'b', 'a'])).toEqual({ added: 2, removed: 0, size: 2 });
    expect(await groups.add('acme', 'team', ['b', 'c'])).toEqual({ added: 1, removed: 0, size: 3 });
    expect(await groups.remove('acme', 'team', ['b', 'nobody'])).toEqual({ added: 0, removed: 1, size: 2 });
    expect(await membersOf('acme', 'team')).toEqual(['a', 'c']);
    expect(await groups.set('acme', 'team', ['c', 'd', 'd'])).toEqual({ added: 1, removed: 1, size: 2 });
    expect(await membersOf('acme', 'team')).toEqual(['c', 'd']);
    expect([...(await groups.groupsOf('acme', 'd')).keys()]).toEqual(['team']);
    expect(await groups.groupsOf('acme', 'a')).toEqual(new Map());
  });

  test('that nobody ever heard of has no members', async () => {
    expect(await groups.members('acme', 'team')).toEqual({ size: 0, rooms: [] });
    expect(await groups.remove('acme', 'team', ['a'])).toEqual({ added: 0, removed: 0, size: 0 });
  });

  test('of more than a thousand members is not written out', async () => {
    await groups.add('acme', 'team', users(MAX_EXPANDED_MEMBERS));
    expect((await groups.members('acme', 'team')).rooms).toHaveLength(MAX_EXPANDED_MEMBERS);
    await groups.add('acme', 'team', ['one more']);
    expect(await groups.members('acme', 'team')).toEqual({ size: MAX_EXPANDED_MEMBERS + 1, rooms: null });
  });

  test('is dissolved by its last member’s leave, and leaves nothing but its changes behind', async () => {
    await groups.set('acme', 'team', users(450));
    await groups.set('acme', 'team', []);
    expect(await groups.listGroups('acme', { limit: 10 })).toEqual({ items: [], next: null });
    const left = await client.keys(`{${keys.prefix}:*`);
    expect(left).toEqual([expect.stringContaining(':group-changes')]);
  });

  test('is listed with others and its members page by page', async () => {
    for (const name of ['c', 'a', 'b']) await groups.add('acme', name, ['u']);
    await groups.add('other', 'z', ['u']);
    const first = await groups.listGroups('acme', { limit: 2 });
    expect(first).toEqual({ items: ['a', 'b'], next: 'b' });
    expect(await groups.listGroups('acme', { limit: 2, after: 'b' })).toEqual({ items: ['c'], next: null });
    await groups.set('acme', 'a', users(700));
    const seen = new Set<string>();
    for (let after: string | null = '0'; after !== null; ) {
      const page: { items: readonly string[]; next: string | null } = await groups.listMembers('acme', 'a', {
        after,
        limit: 100,
      });
      for (const item of page.items) seen.add(item);
      after = page.next;
    }
    expect(seen.size).toBe(700);
  });

  test('and its members may have any name that an audience can name, and no other', async () => {
    const name = fc.string({ unit: 'binary', maxLength: 300 });
    await fc.assert(
      fc.asyncProperty(name, name, async (group, user) => {
        try {
          await groups.add('acme', group, [user]);
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidGroupError);
          return;
        }
        expect(await membersOf('acme', group)).toEqual([user]);
        expect([...(await groups.groupsOf('acme', user)).keys()]).toContain(group);
        await groups.set('acme', group, []);
      }),
      { numRuns: 60 },
    );
    await expect(groups.add('acme', 'team', ['good', ''])).rejects.toThrow(InvalidGroupError);
    await expect(groups.add('', 'team', ['a'])).rejects.toThrow(InvalidGroupError);
    // An event's audience would name two others by it.
    await expect(groups.add('acme', 'north,south', ['a'])).rejects.toThrow(InvalidGroupError);
    expect((await groups.members('acme', 'team')).size).toBe(0);
    expect(await groups.add('acme', 'team', ['cn=a,dc=b'])).toMatchObject({ added: 1 });
  }, 60_000);

  test('takes nobody who is in as many groups as one may be', async () => {
    for (const group of users(MAX_GROUPS_OF_USER, 'g')) await groups.add('acme', group, ['busy']);
    await expect(groups.add('acme', 'one more', ['free', 'busy'])).rejects.toThrow(GroupLimitError);
    await expect(groups.add('acme', 'one more', ['free', 'busy'])).rejects.toThrow(/user busy/);
    expect((await groups.members('acme', 'one more')).size).toBe(0);
    await expect(groups.add('acme', 'g0', ['busy'])).resolves.toMatchObject({ added: 0 });
  });

  test('G4 has nothing to do with a group of the same name of another tenant, whatever the names look like', async () => {
    const tenants = ['acme', 'acme:group%3Ateam', 'ACME', 'acme ', 'acme%', 'acme:', 'аcme'];
    for (const [index, tenant] of tenants.entries()) await groups.add(tenant, 'team', [`of ${index}`, 'same']);
    await groups.add('acme', 'team:x', ['other']);
    await groups.add('acme', 'Team', ['other']);
    for (const [index, tenant] of tenants.entries()) {
      expect(await membersOf(tenant, 'team')).toEqual([`of ${index}`, 'same']);
      expect([...(await groups.groupsOf(tenant, 'same')).keys()]).toEqual(['team']);
    }
    await groups.remove('acme', 'team', ['same']);
    expect(await groups.groupsOf('acme', 'same')).toEqual(new Map());
    for (const tenant of tenants.slice(1)) expect(await membersOf(tenant, 'team')).toContain('same');
  });
});

describe('changes of membership', () => {
  test('are told in order, each with whom it concerns', async () => {
    const changes = new GroupChanges(client, keys, [0, 1]);
    expect((await changes.read()).map(({ kind }) => kind)).toEqual(['unknown', 'unknown']);
    expect(await changes.read()).toEqual([]);
    await groups.add('acme', 'team', ['a', 'b']);
    await groups.add('acme', 'team', ['a']);
    await groups.remove('acme', 'team', ['b']);
    const notices = await changes.read();
    expect(notices).toMatchObject([
      { kind: 'members', tenantId: 'acme', group: 'team', userIds: ['a', 'b'] },
      { kind: 'members', tenantId: 'acme', group: 'team', userIds: ['b'] },
    ]);
    expect(await changes.read()).toEqual([]);
  });

  test('are unknown to whoever missed some: none is passed over in silence', async () => {
    await groups.add('acme', 'team', ['before']);
    const changes = new GroupChanges(client, keys, [0, 1]);
    await changes.read();
    await groups.add('acme', 'team', ['missed']);
    await groups.add('acme', 'team', ['seen']);
    const stream = (await client.keys(`{${keys.prefix}:*group-changes`))[0] as string;
    await client.xtrim(stream, 'MAXLEN', 1);
    expect((await changes.read()).map(({ kind }) => kind)).toEqual(['unknown']);
    await client.del(stream);
    await groups.add('acme', 'team', ['after a loss']);
    expect((await changes.read()).map(({ kind }) => kind)).toEqual(['unknown']);
  });

  test('are kept in a bounded number', async () => {
    for (let round = 0; round < 520; round++) {
      await Promise.all([groups.add('acme', 'team', ['a']), groups.remove('acme', 'team', ['a'])]);
      await groups.remove('acme', 'team', ['a']);
    }
    const stream = (await client.keys(`{${keys.prefix}:*group-changes`))[0] as string;
    expect(await client.xlen(stream)).toBe(1_000);
    const changes = new GroupChanges(client, keys, [0, 1]);
    expect(await changes.read()).toHaveLength(2);
  });
});

describe('remembered members', () => {
  test('are answered at once, and are not older than was promised', async () => {
    const cache = new GroupCache(client, keys, PARTITIONS, { staleMs: 60_000 });
    await groups.add('acme', 'team', ['a']);
    expect(await cache.members('acme', 'team')).toMatchObject({ size: 1 });
    expect(cache.members('acme', 'team')).toMatchObject({ size: 1, rooms: ['acme:user%3Aa'] });
    await groups.add('acme', 'team', ['b']);
    expect(cache.members('acme', 'team')).toMatchObject({ size: 1 });
    const impatient = new GroupCache(client, keys, PARTITIONS, { staleMs: 0 });
    for (let size = 2; size < 20; size++) {
      expect(await impatient.members('acme', 'team')).toMatchObject({ size });
      await groups.add('acme', 'team', [`c${size}`]);
    }
  });

  test('are asked for once by all who want them at the same time', async () => {
    await groups.add('acme', 'team', ['a']);
    const cache = new GroupCache(client, keys, PARTITIONS, { staleMs: 60_000 });
    await cache.members('acme', 'other');
    const first = cache.members('acme', 'team');
    expect(cache.members('acme', 'team')).toBe(first);
    await first;
  });

  test('take a bounded amount of memory: who was not asked for is forgotten first', async () => {
    await groups.add('acme', 'one', users(60));
    await groups.add('acme', 'two', users(30));
    await groups.add('acme', 'three', users(30));
    const cache = new GroupCache(client, keys, PARTITIONS, { staleMs: 60_000, maxMembers: 100 });
    for (const group of ['one', 'two']) await cache.members('acme', group);
    expect(cache.members('acme', 'one')).not.toBeInstanceOf(Promise);
    await cache.members('acme', 'three');
    expect(cache.members('acme', 'two')).toBeInstanceOf(Promise);
    expect(cache.members('acme', 'three')).not.toBeInstanceOf(Promise);
  });

  test('of a Redis that does not answer are no members: the failure is told', async () => {
    const cache = new GroupCache(client, keys, PARTITIONS);
    disconnect(client);
    await expect(cache.members('acme', 'team')).rejects.toThrow(/closed/);
  });
});
