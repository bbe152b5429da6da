import { afterEach, expect, it, jest } from '@jest/globals';
import { eventually, uniquePrefix } from '@rejoin/testing';
import type { Client } from './client.ts';
import { Load, publish } from './load.ts';
import { System } from './system.ts';

jest.setTimeout(180_000);

const TENANT = 'acme';
const GROUP = 'team';
/** Up to so many members an event is written to the room of each, above to the group's own. */
const CROSSING = 1_000;
const PATIENT = { timeoutMs: 60_000 };
const EVENTS_PER_SECOND = 20;
const NAMED = ['live', 'elsewhere', 'cut', 'away', 'leaver'] as const;

let system: System;
afterEach(() => system.stop());

/** To how many rooms the last event was written. */
async function lastRooms(): Promise<number> {
  const [last] = await system.client.xrevrange(system.keysOf(TENANT).feed, '+', '-', 'COUNT', 1);
  const fields = last?.[1] ?? [];
  // Predecessor, tenant, type, and then each room.
  return (fields[fields.indexOf('route') + 1] ?? '').split(' ').length - 3;
}

it('G1 G2 G3 G4 a group grows past a thousand members and shrinks again under load: each member has each event once, and nobody else', async () => {
  system = await System.start({ workers: 2 });
  const publisher = system.publisher();
  const { groups } = publisher;
  const fillers = Array.from({ length: CROSSING - 1 - NAMED.length }, (_, index) => `filler-${index}`);
  const extra = ['extra-1', 'extra-2'];
  await groups.add(TENANT, GROUP, [...NAMED, ...fillers]);

  const client = (user: string, gateway: number): Client =>
    system.connect({ tenant: TENANT, user, gateway: system.gateways[gateway] as never });
  const live = client('live', 0);
  const elsewhere = client('elsewhere', 1);
  const cut = system.roam({ tenant: TENANT, user: 'cut' });
  const away = client('away', 0);
  const leaver = client('leaver', 1);
  const outsider = client('outsider', 0);
  const members = [live, elsewhere, cut];
  await Promise.all([...members, away, leaver, outsider].map((each) => each.ready(1, PATIENT)));
  away.socket.disconnect();

  const prefix = uniquePrefix();
  const load = new Load(publisher, EVENTS_PER_SECOND, (n) => ({
    id: `${prefix}-${n}`,
    tenant: TENANT,
    audience: `group:${GROUP}`,
  }));
  await groups.add(TENANT, GROUP, extra);
  await eventually(async () => expect(await lastRooms()).toBe(1), PATIENT);
  cut.cut();
  await groups.remove(TENANT, GROUP, extra);
  await eventually(async () => expect(await lastRooms()).toBe(CROSSING - 1), PATIENT);
  cut.cut();
  const accepted = await load.stop();
  const ids = accepted.map(({ id }) => id);

  // In both forms: one who goes while it is large sees nothing more, and one who comes does.
  await groups.add(TENANT, GROUP, [...extra, 'joiner']);
  const joiner = client('joiner', 0);
  await joiner.ready(1, PATIENT);
  await groups.remove(TENANT, GROUP, ['leaver']);
  const tell = async (): Promise<string> => {
    const id = uniquePrefix();
    await publish(publisher, { id, tenant: TENANT, audience: `group:${GROUP}` });
    ids.push(id);
    await eventually(() => expect(live.recorder.ids().at(-1)).toBe(id), PATIENT);
    return id;
  };
  // What comes to a client comes in order: behind this it has all that was published before.
  const toTheLeaver = async (): Promise<string[]> => {
    const id = `leaver-${uniquePrefix()}`;
    await publish(publisher, { id, tenant: TENANT, audience: 'user:leaver' });
    await eventually(() => expect(leaver.recorder.ids().at(-1)).toBe(id), PATIENT);
    return leaver.recorder.ids().filter((each) => !each.startsWith('leaver-'));
  };
  await eventually(async () => {
    const id = await tell();
    expect(await toTheLeaver()).not.toContain(id);
  }, PATIENT);
  const left = await toTheLeaver();
  const late: string[] = [];
  for (const isLarge of [true, false]) {
    if (!isLarge) await groups.remove(TENANT, GROUP, [...extra, ...fillers.slice(0, 5)]);
    await eventually(async () => {
      late.push(await tell());
      expect((await lastRooms()) === 1).toBe(isLarge);
    }, PATIENT);
  }
  leaver.cut();
  await leaver.ready(2, PATIENT);
  away.socket.connect();

  for (const each of [...members, away]) await each.delivered(ids, PATIENT);
  await eventually(() => expect(joiner.recorder.ids()).toEqual(expect.arrayContaining(late)), PATIENT);
  joiner.recorder.assertDelivered(ids.slice(-joiner.recorder.ids().length));
  expect(await toTheLeaver()).toEqual(left);
  expect(left).toEqual(ids.slice(0, left.length));
  expect(outsider.recorder.ids()).toEqual([]);
  for (const each of [...members, away, leaver]) {
    for (const replay of each.replays) expect(replay.status).not.toBe('gap');
  }
  expect(accepted).not.toHaveLength(0);
});
