import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { AudienceResolver, GroupDirectory, MAX_EXPANDED_MEMBERS } from '@rejoin/audience';
import { type EntryId, roomOf } from '@rejoin/protocol';
import { eventually } from '@rejoin/testing';
import { expectDelivered, numbered, PARTITIONS, TENANT, TestInstallation } from './running-worker.ts';

let installation: TestInstallation;
let groups: GroupDirectory;
beforeEach(async () => {
  installation = await TestInstallation.open();
  groups = new GroupDirectory(installation.client, installation.keys, PARTITIONS);
});
afterEach(() => installation.close());

const users = (count: number, prefix = 'u'): string[] => Array.from({ length: count }, (_, i) => `${prefix}${i}`);
const userRooms = (ids: readonly string[]): string[] => ids.map((id) => roomOf(TENANT, { kind: 'user', id })).sort();
const groupRoom = (id: string): string => roomOf(TENANT, { kind: 'group', id });

let published = 0;
/** The rooms of an event to an audience, sorted. */
async function roomsOf(audience: string): Promise<string[]> {
  const [entryId] = await installation.append({ audience, id: `one-${published++}` });
  await installation.handled(entryId as EntryId);
  return [...((await installation.feed()).at(-1)?.rooms ?? [])].sort();
}

describe('an event to a group', () => {
  test('goes to each of its members, and above a thousand to the group’s own room', async () => {
    await groups.add(TENANT, 'team', ['a', 'b']);
    await groups.add(TENANT, 'large', users(MAX_EXPANDED_MEMBERS));
    await groups.add(TENANT, 'huge', users(MAX_EXPANDED_MEMBERS + 1));
    await installation.startWorker();
    expect(await roomsOf('group:team,user:b,role:x')).toEqual([
      roomOf(TENANT, { kind: 'role', id: 'x' }),
      ...userRooms(['a', 'b']),
    ]);
    expect(await roomsOf('group:large')).toEqual(userRooms(users(MAX_EXPANDED_MEMBERS)));
    expect(await roomsOf('group:huge')).toEqual([groupRoom('huge')]);
  });

  test('is written to no more rooms than an event may have, whatever groups it names', async () => {
    for (const size of [900, 800, 700]) await groups.add(TENANT, `of${size}`, users(size, `x${size}-`));
    await installation.startWorker();
    const rooms = await roomsOf('group:of900,group:of700,group:of800,role:x');
    expect(rooms).toHaveLength(1 + 1 + 700 + 800);
    expect(rooms).toContain(groupRoom('of900'));
  });

  test('nobody is in is delivered to nobody, and the order of the others is kept', async () => {
    await installation.startWorker();
    await groups.add(TENANT, 'team', ['a']);
    const events = numbered(300).map((event, i) => ({
      ...event,
      audience: ['tenant', 'group:team', 'group:nobody'][i % 3] as string,
    }));
    const ids = await installation.append(...events);
    await installation.handled(ids.at(-1) as EntryId);
    const feed = await installation.feed();
    expectDelivered(feed, events);
    expect(feed[2]?.rooms).toEqual(['']);
    expect(await installation.deadLetters()).toEqual([]);
  });

  test('reaches who was a member half a second ago, and nobody else', async () => {
    await groups.add(TENANT, 'team', ['a']);
    await installation.startWorker();
    expect(await roomsOf('group:team')).toEqual(userRooms(['a']));
    await groups.set(TENANT, 'team', ['b']);
    const changedAtMs = performance.now();
    while (performance.now() - changedAtMs < 600) await roomsOf('group:team');
    expect(await roomsOf('group:team')).toEqual(userRooms(['b']));
  });

  test('is in one of two forms while the group grows and shrinks past a thousand, each with all that stay', async () => {
    const staying = users(MAX_EXPANDED_MEMBERS - 5, 's');
    await groups.add(TENANT, 'team', staying);
    await installation.startWorker();
    const [room, rooms] = [groupRoom('team'), userRooms(staying)];
    for (let round = 0; round < 3; round++) {
      if (round % 2 === 0) await groups.add(TENANT, 'team', users(10));
      else await groups.remove(TENANT, 'team', users(10));
      await eventually(async () => {
        const written = await roomsOf('group:team');
        const isRoom = written.join() === room;
        if (!isRoom) expect(written).toEqual(expect.arrayContaining(rooms));
        expect(isRoom).toBe(round % 2 === 0);
      });
    }
  });
});

test('a resolver is asked for the types it is for, and the rules for what it leaves to them', async () => {
  const resolver = new AudienceResolver({
    resolvers: [
      {
        type: 'order.*',
        resolve: async ({ subject }) => (subject === 'mine' ? ['user:owner', 'group:team'] : null),
      },
    ],
  });
  await groups.add(TENANT, 'team', ['a']);
  await installation.startWorker({ resolver });
  const ids = await installation.append(
    { id: 'resolved', type: 'order.made', subject: 'mine', audience: undefined as never },
    { id: 'ruled', type: 'order.made', subject: '7', data: { customerId: 'c' }, audience: undefined as never },
  );
  await installation.handled(ids.at(-1) as EntryId);
  const [resolved, ruled] = await installation.feed();
  expect([...(resolved?.rooms ?? [])].sort()).toEqual(userRooms(['a', 'owner']));
  expect(ruled?.rooms).toContain('acme:order%3A7');
});
