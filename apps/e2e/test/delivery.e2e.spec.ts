import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { compareEntryIds } from '@rejoin/protocol';
import type { Published, Publisher } from '@rejoin/publisher';
import { type ChildApp, tokenFor, uniquePrefix } from '@rejoin/testing';
import type { Client } from './client.ts';
import { Load, publish, type TestEvent } from './load.ts';
import { System } from './system.ts';

jest.setTimeout(120_000);

let system: System;
let publisher: Publisher;
let ops: ChildApp;
beforeAll(async () => {
  system = await System.start({ workers: 2 });
  publisher = system.publisher();
  ops = await system.startApp('ops');
});
afterAll(() => system.stop());

const cloudEvent = ({ id, tenant, audience }: TestEvent): object => ({
  specversion: '1.0',
  id,
  source: '/e2e',
  type: 'order.paid',
  tenantid: tenant,
  audience,
  data: { id },
});

async function publishOverHttp(event: TestEvent): Promise<void> {
  const response = await fetch(`${ops.url}/v1/events`, {
    method: 'POST',
    headers: {
      'content-type': 'application/cloudevents+json',
      authorization: `Bearer ${tokenFor({ sub: 'orders', scope: 'events:publish' })}`,
    },
    body: JSON.stringify(cloudEvent(event)),
  });
  expect(response.status).toBe(202);
}

async function publishWithXadd(event: TestEvent): Promise<void> {
  await system.client.xadd(system.keysOf(event.tenant).events, '*', 'event', JSON.stringify(cloudEvent(event)));
}

const expectedBy = (client: Client, events: readonly TestEvent[]): string[] =>
  events.filter(({ tenant, audience }) => client.sees(tenant, audience)).map(({ id }) => id);

describe('G1', () => {
  it('G1 every accepted event reaches every connected socket of its audience, however it was published', async () => {
    const [acme, globex] = [uniquePrefix(), uniquePrefix()];
    const clients = [acme, globex].flatMap((tenant) =>
      system.gateways.flatMap((gateway) => [
        system.connect({ gateway, tenant, user: 'u1' }),
        system.connect({ gateway, tenant, user: 'u2', roles: ['staff', 'night shift'] }),
        system.connect({ gateway, tenant, user: 'u3', roles: ['staff'], auth: { watch: ['order:1', 'order:2'] } }),
      ]),
    );
    await Promise.all(clients.map((client) => client.ready()));
    const audiences = ['tenant', 'user:u1', 'user:u2,user:u3', 'role:staff', 'role:night shift', 'order:1', 'order:2'];
    const events = [publishOverHttp, publishWithXadd, (event: TestEvent) => publish(publisher, event)].flatMap((by) =>
      [acme, globex].flatMap((tenant) =>
        audiences.map((audience) => ({ by, event: { id: uniquePrefix(), tenant, audience } })),
      ),
    );
    for (const { by, event } of events) await by(event);
    const published = events.map(({ event }) => event);
    for (const client of clients) {
      const expected = expectedBy(client, published);
      expect(expected.length).toBeGreaterThan(0);
      await client.delivered(expected);
      expect(client.disconnects).toEqual([]);
    }
  });

  it('G1 a client that was away receives what it missed, whatever rooms that was in, on any gateway', async () => {
    const tenant = uniquePrefix();
    const clients = system.gateways.flatMap((gateway) => [
      system.roam({ gateway, tenant, user: 'u1' }),
      system.roam({ gateway, tenant, user: 'u2', roles: ['staff'], auth: { watch: ['order:1'] } }),
    ]);
    await Promise.all(clients.map((client) => client.ready()));
    const audiences = ['tenant', 'user:u1', 'user:u2', 'role:staff', 'order:1', 'user:nobody'];
    const load = new Load(publisher, 500, (n) => ({
      id: `${tenant}-${n}`,
      tenant,
      audience: audiences[n % audiences.length] as string,
    }));
    for (let round = 1; round <= 5; round++) {
      for (const client of clients) client.cut();
      await Promise.all(clients.map((client) => client.ready(round + 1)));
    }
    const events = await load.stop();
    for (const client of clients) {
      await client.delivered(expectedBy(client, events));
      expect(client.replays.slice(1).map(({ status }) => status)).toEqual(Array(5).fill('complete'));
    }
  });
});

describe('G2', () => {
  it('G2 an event that is published again, by whatever way, is handed to nobody again', async () => {
    const tenant = uniquePrefix();
    const client = system.connect({ tenant, user: 'u1' });
    await client.ready();
    const twice = { id: uniquePrefix(), tenant, audience: 'tenant' };
    await publish(publisher, twice);
    await client.delivered([twice.id]);
    expect(await publish(publisher, twice)).toMatchObject({ duplicate: true });
    await publishOverHttp(twice);
    await publishWithXadd(twice);
    await publishWithXadd(twice);
    const last = { id: uniquePrefix(), tenant, audience: 'tenant' };
    await publish(publisher, last);
    await client.delivered([twice.id, last.id]);
  });

  it('G2 whoever resumes from a position is handed what comes after it, and nothing that came before', async () => {
    const tenant = uniquePrefix();
    const first = system.connect({ tenant, user: 'u1' });
    await first.ready();
    const ids = Array.from({ length: 30 }, () => uniquePrefix());
    for (const id of ids) await publish(publisher, { id, tenant, audience: 'tenant' });
    await first.delivered(ids);
    const cursors = [first.recorder.readies[0]?.cursor, ...first.recorder.events.map(({ cursor }) => cursor)];
    for (const [index, cursor] of cursors.entries()) {
      const gateway = system.gateways[index % 2] as ChildApp;
      const client = system.connect({ gateway, tenant, user: 'u1', auth: { cursor } });
      await client.ready();
      expect(client.replays).toEqual([{ status: 'complete', count: ids.length - index }]);
      client.recorder.assertDelivered(ids.slice(index));
      client.close();
    }
  });
});

describe('G3', () => {
  it('G3 events of one tenant reach each socket in the order of their entry IDs, from however many publishers', async () => {
    const tenant = uniquePrefix();
    const clients = system.gateways.map((gateway) => system.connect({ gateway, tenant, user: 'u1' }));
    const roaming = system.roam({ tenant, user: 'u1' });
    await Promise.all([...clients, roaming].map((client) => client.ready()));
    const published: { readonly id: string; readonly entry: Published }[] = [];
    const publishers = [publisher, system.publisher(), system.publisher()];
    await Promise.all(
      publishers.map(async (each, index) => {
        for (let n = 0; n < 200; n++) {
          const id = `${tenant}-${index}-${n}`;
          published.push({ id, entry: await publish(each, { id, tenant, audience: 'tenant' }) });
          if (index === 0 && n % 50 === 25) roaming.cut();
        }
      }),
    );
    const ids = published.sort((a, b) => compareEntryIds(a.entry.id, b.entry.id)).map(({ id }) => id);
    for (const client of [...clients, roaming]) await client.delivered(ids);
    expect(roaming.disconnects.length).toBeGreaterThan(0);
  });
});
