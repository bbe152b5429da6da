import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { ClientEvent } from '@rejoin/protocol';
import type { Publisher } from '@rejoin/publisher';
import { type ChildApp, eventually, uniquePrefix } from '@rejoin/testing';
import type { Client } from './client.ts';
import { publish } from './load.ts';
import { System } from './system.ts';

jest.setTimeout(120_000);

/** A busy machine is no failure. */
const PATIENCE = { timeoutMs: 20_000 } as const;

let system: System;
let publisher: Publisher;
beforeAll(async () => {
  system = await System.start();
  publisher = system.publisher();
});
afterAll(() => system.stop());

/** Ids of the notifications that a device was told were read, in that order. */
const readOn = ({ recorder }: Client): string[] =>
  recorder.events
    .filter(({ type }) => type === 'notification.read')
    .flatMap(({ event }) => (event.data as { readonly ids: readonly string[] }).ids);

/** What a device's list says: ids, newest first, and which of them are read. */
async function listOn({ socket }: Client) {
  const { data } = (await socket.emitWithAck('notifications:list', {})) as {
    readonly data: { readonly items: readonly { event: ClientEvent; read: boolean }[]; readonly unread: number };
  };
  return {
    ids: data.items.map(({ event }) => event.id),
    read: data.items.filter(({ read }) => read).map(({ event }) => event.id),
    unread: data.unread,
  };
}

describe('a notification that is read on one device', () => {
  it('is read on every device of that user, live on another gateway and after a resume, and on nobody else’s', async () => {
    const [here, there] = system.gateways as [ChildApp, ChildApp];
    const [tenant, other] = [uniquePrefix(), uniquePrefix()];
    const alice = { tenant, user: 'alice' };
    const phone = system.connect({ ...alice, gateway: here });
    const laptop = system.connect({ ...alice, gateway: there });
    const tablet = system.connect({ ...alice, gateway: there });
    const strangers = [
      system.connect({ tenant, user: 'bob', gateway: here }),
      system.connect({ tenant, user: 'bob', roles: ['staff', 'alice'], gateway: there }),
      system.connect({ tenant: other, user: 'alice', gateway: here }),
      system.connect({ tenant: other, user: 'alice', gateway: there }),
    ];
    const everybody = [phone, laptop, tablet, ...strangers];
    await Promise.all(everybody.map((client) => client.ready()));

    // The other tenant has the same ids: what alice reads there is another notification.
    const ids = ['n1', 'n2', 'n3'].map((name) => `${tenant}/${name}`) as [string, string, string];
    for (const [to, user] of [
      [tenant, 'alice'],
      [tenant, 'bob'],
      [other, 'alice'],
    ] as const) {
      for (const id of ids) {
        await publisher.publish({
          id: user === 'bob' ? `${id}/bob` : id,
          source: '/e2e',
          type: 'notification.created',
          tenantid: to,
          data: { userId: user },
        });
      }
    }
    for (const client of everybody) await eventually(() => expect(client.recorder.events).toHaveLength(3), PATIENCE);
    tablet.socket.disconnect();

    const [first, second] = ids;
    expect(await phone.socket.emitWithAck('notifications:read', { ids: [first] })).toMatchObject({ ok: true });
    expect(await laptop.socket.emitWithAck('notifications:read', { ids: [second] })).toMatchObject({ ok: true });
    for (const device of [phone, laptop])
      await eventually(() => expect(readOn(device)).toEqual([first, second]), PATIENCE);

    tablet.moveTo(here.url);
    tablet.socket.connect();
    await tablet.ready(2);
    expect(tablet.replays[1]).toEqual({ status: 'complete', count: 2 });
    expect(readOn(tablet)).toEqual([first, second]);
    for (const device of [phone, laptop, tablet]) {
      expect(await listOn(device)).toEqual({ ids: ids.toReversed(), read: [second, first], unread: 1 });
    }

    for (const stranger of strangers) {
      const after = uniquePrefix();
      await publish(publisher, { id: after, tenant: stranger.tenant, audience: 'tenant' });
      await eventually(() => expect(stranger.recorder.ids()).toContain(after), PATIENCE);
      expect(readOn(stranger)).toEqual([]);
      const { read, unread } = await listOn(stranger);
      expect({ read, unread }).toEqual({ read: [], unread: 3 });
    }
  });

  it('by somebody else who names it is not read by its owner', async () => {
    const tenant = uniquePrefix();
    const [here, there] = system.gateways as [ChildApp, ChildApp];
    const alice = system.connect({ tenant, user: 'alice', gateway: here });
    const mallory = system.connect({ tenant, user: 'mallory', roles: ['staff'], gateway: there });
    await Promise.all([alice.ready(), mallory.ready()]);
    await publish(publisher, { id: 'n1', tenant, type: 'notification.created', audience: 'user:alice' });
    await eventually(() => expect(alice.recorder.ids()).toEqual(['n1']), PATIENCE);
    expect(await mallory.socket.emitWithAck('notifications:read', { ids: ['n1'] })).toMatchObject({ ok: true });
    await eventually(() => expect(readOn(mallory)).toEqual(['n1']), PATIENCE);
    expect(await listOn(alice)).toEqual({ ids: ['n1'], read: [], unread: 1 });
    await publish(publisher, { id: 'after', tenant, audience: 'tenant' });
    await alice.delivered(['n1', 'after']);
  });
});
