import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import type { EmbeddedRedis } from '@rejoin/embedded-redis';
import { compareEntryIds, type EntryId } from '@rejoin/protocol';
import type { Published, Publisher } from '@rejoin/publisher';
import { connect, disconnect, type RedisClient } from '@rejoin/redis';
import { eventually, startTestRedis, TcpProxy, uniquePrefix } from '@rejoin/testing';
import { publish } from './load.ts';
import { System } from './system.ts';

jest.setTimeout(180_000);

const TENANT = 'acme';
const PATIENT = { timeoutMs: 60_000 };

let master: EmbeddedRedis;
let replica: EmbeddedRedis;
/** From the replica to its master. */
let link: TcpProxy;
/** What processes take for Redis, as a failover manager moves it. */
let address: TcpProxy;
let replicaClient: RedisClient;
let system: System;
let publisher: Publisher;

beforeEach(async () => {
  master = await startTestRedis({ listen: 'tcp', appendOnly: true });
  link = await TcpProxy.start(master.url);
  address = await TcpProxy.start(master.url);
  replica = await startTestRedis({ listen: 'tcp', directives: { replicaof: ['127.0.0.1', String(link.port)] } });
  replicaClient = connect({ url: replica.url, use: 'background', name: 'e2e', onError: () => undefined });
  system = await System.start({ gateways: 2, workers: 2, redisUrl: address.url });
  publisher = system.publisher();
});
afterEach(async () => {
  await system.stop();
  disconnect(replicaClient);
  await replica.stop();
  await link.stop();
  await address.stop();
  await master.stop();
});

/** Publishes events until they are accepted: again after a failure, as the same ones. Resolves to their ids, by their places. */
async function tell(count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, uniquePrefix);
  const places = await eventually(
    () => Promise.all(ids.map((id) => publish(publisher, { id, tenant: TENANT, audience: 'tenant' }))),
    PATIENT,
  );
  const placeOf = new Map(ids.map((id, index) => [id, (places[index] as Published).id]));
  return ids.sort((a, b) => compareEntryIds(placeOf.get(a) as EntryId, placeOf.get(b) as EntryId));
}

/** Waits until the replica has everything that is fanned out. */
async function replicated(): Promise<EntryId> {
  const { done } = system.keysOf(TENANT);
  const handled = (await system.client.get(done)) as EntryId;
  await eventually(async () => expect(await replicaClient.get(done)).toBe(handled), PATIENT);
  return handled;
}

/** The master dies with what it had not passed on yet, and the replica takes its place. */
async function failOver(): Promise<void> {
  await master.kill();
  await replicaClient.call('REPLICAOF', 'NO', 'ONE');
  address.retarget(replica.url);
}

it('G5 G6 what a failover to a replica loses is a gap that every client of its partition is told of, and nothing else is lost', async () => {
  const [live, elsewhere] = system.gateways.map((gateway) => system.connect({ tenant: TENANT, user: 'u1', gateway }));
  const away = system.connect({ tenant: TENANT, user: 'u2' });
  const unconcerned = system.connect({ tenant: tenantOfAnotherPartition(), user: 'u1' });
  if (!live || !elsewhere) throw new Error('two gateways');
  await Promise.all([live, elsewhere, away, unconcerned].map((client) => client.ready()));
  const kept = await tell(20);
  for (const client of [live, elsewhere, away]) await client.delivered(kept);
  const before = away.recorder.cursor as string;
  away.close();
  await replicated();

  link.drop();
  const lost = await tell(20);
  for (const client of [live, elsewhere]) await client.delivered([...kept, ...lost]);
  const ahead = live.recorder.cursor as string;
  await failOver();

  for (const client of [live, elsewhere]) {
    await client.ready(2, PATIENT);
    expect(client.replays[1]).toMatchObject({ status: 'gap', reason: 'epoch', from: ahead });
  }
  // A publisher that does not know publishes again: what was kept is known, and what was lost is accepted anew.
  const [first] = kept as [string];
  const repeated = await eventually(
    () => publish(publisher, { id: first, tenant: TENANT, audience: 'tenant' }),
    PATIENT,
  );
  expect(repeated.duplicate).toBe(true);
  const after = await tell(5);
  for (const client of [live, elsewhere]) {
    await client.delivered([...kept, ...lost, ...after], PATIENT);
    expect(client.replays).toHaveLength(2);
  }
  expect(unconcerned.replays).toEqual([{ status: 'none', count: 0 }]);
  expect(unconcerned.disconnects).toEqual([]);
  // Also who was away, from a position that is still there as from one that is not.
  for (const cursor of [before, ahead]) {
    const back = system.connect({ tenant: TENANT, user: 'u2', auth: { cursor } });
    await back.ready();
    expect(back.replays).toMatchObject([{ status: 'gap', reason: 'epoch', from: cursor }]);
    await eventually(() => expect(back.recorder.ids()).toEqual(after), PATIENT);
  }
});

it('G1 G6 a failover to a replica that has everything loses nothing, and nobody is told of a gap', async () => {
  const client = system.connect({ tenant: TENANT, user: 'u1' });
  await client.ready();
  const ids = await tell(50);
  await client.delivered(ids);
  await replicated();
  await failOver();
  for (let n = 0; n < 3; n++) ids.push(...(await tell(10)));
  await client.delivered(ids, PATIENT);
  expect(client.replays.filter(({ status }) => status === 'gap')).toEqual([]);
});

function tenantOfAnotherPartition(): string {
  for (;;) {
    const other = uniquePrefix();
    if (system.keysOf(other).partition !== system.keysOf(TENANT).partition) return other;
  }
}
