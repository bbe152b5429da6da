import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { GroupDirectory } from '@rejoin/audience';
import { type EntryId, partitionOf, roomOf } from '@rejoin/protocol';
import { type EventRecorder, eventually } from '@rejoin/testing';
import type { Socket as ServerSocket } from 'socket.io';
import type { Connection } from '../src/connection.ts';
import type { Connections } from '../src/connections.ts';
import { GroupRooms } from '../src/group-rooms.ts';
import type { Membership } from '../src/membership.ts';
import { Fixture, type TestGateway, tenantRoom, userRoom } from './fixture.ts';

const PARTITIONS = 8;
let fixture: Fixture;
let groups: GroupDirectory;
beforeEach(() => {
  fixture = new Fixture();
  groups = new GroupDirectory(fixture.client, fixture.keys, PARTITIONS);
});
afterEach(() => fixture.close());

const groupRoom = (tenant: string, id = 'team'): string => roomOf(tenant, { kind: 'group', id });
const readied = (recorder: EventRecorder, count = 1) => eventually(() => expect(recorder.readies).toHaveLength(count));
const NOTHING_WRONG = { lost: [], doubled: [], misordered: [], unexpected: [] };

/** The gateway's side of a tenant's only connection. */
function connectionOf({ io, gateway }: TestGateway, tenantId = 'acme'): Connection {
  const connections = [...io.sockets.sockets.values()].map((socket) => gateway.connectionOf(socket));
  const found = connections.find((connection) => connection?.principal.tenantId === tenantId);
  if (!found) throw new Error('not connected');
  return found;
}

/** As a gateway's, over connections that only know whose they are. */
function groupRooms(connections: readonly Connection[], changed: ReadonlyMap<string, EntryId>[]): GroupRooms {
  return new GroupRooms({
    client: fixture.client,
    keys: fixture.keys,
    partitions: PARTITIONS,
    connections: { all: () => connections.values() } as unknown as Connections,
    membership: {
      setGroups: (_: unknown, rooms: ReadonlyMap<string, EntryId>) => changed.push(rooms),
    } as unknown as Membership,
  });
}

describe('a member of a group that has a room of its own', () => {
  it('receives its events live, and after a resume', async () => {
    await groups.add('acme', 'team', ['u1']);
    const gateway = await fixture.gateway();
    const { socket, recorder } = fixture.connect(gateway, { token: 'acme/u1' });
    await readied(recorder);
    const live = await fixture.publish('acme', 3, [groupRoom('acme')]);
    await eventually(() => expect(recorder.compareWith(live)).toEqual(NOTHING_WRONG));
    socket.disconnect();
    const missed = await fixture.publish('acme', 3, [groupRoom('acme')]);
    socket.connect();
    await readied(recorder, 2);
    expect(recorder.readies[1]?.ready.replay).toEqual({ status: 'complete', count: 3 });
    await eventually(() => expect(recorder.compareWith([...live, ...missed])).toEqual(NOTHING_WRONG));
  });

  it('is in the room from when it was added, and sees nothing from before, live or after a resume', async () => {
    const gateway = await fixture.gateway();
    const { socket, recorder } = fixture.connect(gateway, { token: 'acme/u1' });
    await readied(recorder);
    socket.disconnect();
    await fixture.publish('acme', 3, [groupRoom('acme')]);
    await groups.add('acme', 'team', ['u1']);
    const since = await fixture.publish('acme', 3, [groupRoom('acme')]);
    socket.connect();
    await readied(recorder, 2);
    await eventually(() => expect(recorder.compareWith(since)).toEqual(NOTHING_WRONG));
    await groups.remove('acme', 'team', ['u1']);
    await eventually(() => expect(connectionOf(gateway).rooms.has(groupRoom('acme'))).toBe(false));
    await fixture.publish('acme', 2, [groupRoom('acme')]);
    await groups.add('acme', 'team', ['u1']);
    await eventually(() => expect(connectionOf(gateway).rooms.has(groupRoom('acme'))).toBe(true));
    const again = await fixture.publish('acme', 2, [groupRoom('acme')]);
    await eventually(() => expect(recorder.compareWith([...since, ...again])).toEqual(NOTHING_WRONG));
  });

  it('is told of no gap because of what was cut from the room before it was a member', async () => {
    const gateway = await fixture.gateway();
    const { socket, recorder } = fixture.connect(gateway, { token: 'acme/u1' });
    await readied(recorder);
    socket.disconnect();
    const keys = fixture.keys.partition(partitionOf('acme', PARTITIONS));
    await fixture.publish('acme', 1, [groupRoom('acme')]);
    const index = keys.room(groupRoom('acme'));
    await fixture.client.lset(index, 0, `~${await fixture.client.lindex(index, 0)}`);
    await groups.add('acme', 'team', ['u1']);
    const since = await fixture.publish('acme', 1, [groupRoom('acme')]);
    socket.connect();
    await readied(recorder, 2);
    expect(recorder.readies[1]?.ready.replay).toEqual({ status: 'complete', count: 1 });
    await eventually(() => expect(recorder.compareWith(since)).toEqual(NOTHING_WRONG));
  });

  it('gets each event once and none too few, whichever of the two forms it was written in', async () => {
    await groups.add('acme', 'team', ['u1']);
    const gateway = await fixture.gateway();
    const live = fixture.connect(gateway, { token: 'acme/u1' });
    const away = fixture.connect(gateway, { token: 'acme/u1' });
    await readied(live.recorder);
    await readied(away.recorder);
    away.socket.disconnect();
    const forms = [[userRoom('acme', 'u1')], [groupRoom('acme')], [groupRoom('acme'), userRoom('acme', 'u1')]];
    const ids: string[] = [];
    for (let round = 0; round < 30; round++) {
      ids.push(...(await fixture.publish('acme', 1 + (round % 4), forms[round % 3] as string[])));
    }
    await eventually(() => expect(live.recorder.compareWith(ids)).toEqual(NOTHING_WRONG));
    away.socket.connect();
    await eventually(() => expect(away.recorder.compareWith(ids)).toEqual(NOTHING_WRONG));
  });
});

describe('G4 a former member of a group', () => {
  it('receives nothing more of its room live, and nothing of what it missed before it was removed', async () => {
    await groups.add('acme', 'team', ['u1', 'u2']);
    const gateway = await fixture.gateway();
    const removed = fixture.connect(gateway, { token: 'acme/u1' });
    const stays = fixture.connect(gateway, { token: 'acme/u2' });
    await readied(removed.recorder);
    await readied(stays.recorder);
    const before = await fixture.publish('acme', 2, [groupRoom('acme')]);
    await eventually(() => expect(removed.recorder.compareWith(before)).toEqual(NOTHING_WRONG));
    removed.socket.disconnect();
    const missed = await fixture.publish('acme', 2, [groupRoom('acme')]);
    await groups.remove('acme', 'team', ['u1']);
    removed.socket.connect();
    await readied(removed.recorder, 2);
    const after = await fixture.publish('acme', 2, [groupRoom('acme')]);
    const all = await fixture.publish('acme', 1, [tenantRoom('acme')]);
    await eventually(() =>
      expect(stays.recorder.compareWith([...before, ...missed, ...after, ...all])).toEqual(NOTHING_WRONG),
    );
    await eventually(() => expect(removed.recorder.compareWith([...before, ...all])).toEqual(NOTHING_WRONG));
  });

  it('receives nothing more of its room from when it is removed while it is being replayed to', async () => {
    await groups.add('acme', 'team', ['u1']);
    const gateway = await fixture.gateway();
    const { socket, recorder } = fixture.connect(gateway, { token: 'acme/u1' });
    await readied(recorder);
    socket.disconnect();
    const ids = await fixture.publish('acme', 400, [groupRoom('acme')]);
    let goOn = (): void => undefined;
    const read = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    gateway.io.on('connection', (connected: ServerSocket) => {
      const connection = gateway.gateway.connectionOf(connected) as Connection;
      // A client that has not read the first page.
      connection.drained = () => read;
    });
    socket.connect();
    await eventually(() => expect(recorder.events.length).toBeGreaterThan(0));
    await groups.remove('acme', 'team', ['u1']);
    await eventually(() => expect(connectionOf(gateway).rooms.has(groupRoom('acme'))).toBe(false));
    await fixture.publish('acme', 5, [groupRoom('acme')]);
    const own = await fixture.publish('acme', 1, [tenantRoom('acme')]);
    goOn();
    await readied(recorder, 2);
    await eventually(() => expect(recorder.compareWith([...ids.slice(0, 128), ...own])).toEqual(NOTHING_WRONG));
  });

  it('is one at once for a client that is let in while the change is on its way', async () => {
    await groups.add('acme', 'team', ['u1', 'u2']);
    const changed: ReadonlyMap<string, EntryId>[] = [];
    const rooms = groupRooms([], changed);
    await rooms.follow();
    const principal = { tenantId: 'acme', userId: 'u1' };
    const connection = { partition: partitionOf('acme', PARTITIONS), principal } as Connection;
    const { rooms: known, readAtMs } = await rooms.of(principal);
    expect([...known.keys()]).toEqual([groupRoom('acme')]);
    await rooms.admit(connection, readAtMs);
    expect(changed).toEqual([]);
    await groups.remove('acme', 'team', ['u1']);
    await rooms.follow();
    await rooms.admit(connection, readAtMs);
    expect(changed).toEqual([new Map()]);
  });

  it('is looked up again where that failed at first', async () => {
    await groups.add('acme', 'team', ['u1']);
    const changed: ReadonlyMap<string, EntryId>[] = [];
    const principal = { tenantId: 'acme', userId: 'u1' };
    const connection = { partition: partitionOf('acme', PARTITIONS), principal } as Connection;
    const rooms = groupRooms([connection], changed);
    await rooms.follow();
    expect(changed).toHaveLength(1);
    await groups.remove('acme', 'team', ['u1']);
    const key = fixture.keys.partition(connection.partition).groupsOf(userRoom('acme', 'u1'));
    await fixture.client.set(key, 'no hash: reading it fails');
    await expect(rooms.follow()).rejects.toThrow('WRONGTYPE');
    await fixture.client.del(key);
    await rooms.follow();
    expect(changed.slice(1)).toEqual([new Map()]);
  });
});

describe('G4 groups of other tenants', () => {
  it('that have the same name, or look as if they had, are others', async () => {
    const lookalikes = ['acme:group%3Ateam', 'acme%', 'ACME'];
    for (const tenant of lookalikes) await groups.add(tenant, 'team', ['u1', 'u2']);
    const gateway = await fixture.gateway();
    const { socket, recorder } = fixture.connect(gateway, { token: 'acme/u1' });
    await readied(recorder);
    const publishAll = async (): Promise<void> => {
      for (const tenant of lookalikes) await fixture.publish(tenant, 2, [groupRoom(tenant)]);
      await fixture.publish('acme', 2, [groupRoom('acme')]);
    };
    await publishAll();
    socket.disconnect();
    await publishAll();
    socket.connect();
    await readied(recorder, 2);
    await groups.add('acme', 'team ops', ['u1']);
    await eventually(() => expect(connectionOf(gateway).rooms.has(groupRoom('acme', 'team ops'))).toBe(true));
    await publishAll();
    const own = await fixture.publish('acme', 1, [groupRoom('acme', 'team ops')]);
    await eventually(() => expect(recorder.compareWith(own)).toEqual(NOTHING_WRONG));
  });
});

it('a connection is in its groups whatever the token says of roles, and a fresh token keeps it there', async () => {
  await groups.add('acme', 'team', ['u1']);
  const gateway = await fixture.gateway();
  const { socket, recorder } = fixture.connect(gateway, { token: 'acme/u1/staff' });
  await readied(recorder);
  await socket.emitWithAck('session:refresh', { token: 'acme/u1' });
  const ids = await fixture.publish('acme', 1, [groupRoom('acme')]);
  await eventually(() => expect(recorder.compareWith(ids)).toEqual(NOTHING_WRONG));
});
