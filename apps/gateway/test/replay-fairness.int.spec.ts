import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { partitionOf } from '@rejoin/protocol';
import { connect, disconnect, keyspace, type RedisClient } from '@rejoin/redis';
import { EventRecorder, eventually, FeedWriter, seriesValue, testRedis, tokenFor } from '@rejoin/testing';
import { io, type Socket } from 'socket.io-client';
import { RunningGateway } from './running-gateway.ts';
import { RawPolling } from './wire.ts';

/** A busy machine is no failure. */
const PATIENCE = { timeoutMs: 15_000 } as const;
/** More than one page of a replay, which waits behind the first until its client reads. */
const MISSED = 300;
const PLACES = 5;
/** What one tenant may have of them: no more than four times what is then still free. */
const SHARE = 4;

let gateway: RunningGateway;
let client: RedisClient;
const sockets: Socket[] = [];
const cursors = new Map<string, string>();
beforeAll(async () => {
  gateway = await RunningGateway.start({ MAX_REPLAYS: String(PLACES) });
  client = connect({ url: testRedis(), use: 'commands', name: 'test', onError: () => undefined });
  for (const tenant of ['acme', 'globex']) {
    const { recorder } = await connected(tenant);
    await eventually(() => recorder.readies.length === 1, PATIENCE);
    cursors.set(tenant, recorder.cursor as string);
    const writer = await FeedWriter.open(client, keyspace(gateway.prefix).partition(partitionOf(tenant, 8)));
    await writer.write(
      Array.from({ length: MISSED }, (_, n) => ({ id: `${tenant}-${n}`, tenant, rooms: [`${tenant}:tenant`] })),
    );
  }
});
afterAll(async () => {
  disconnect(client);
  await gateway.stop();
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.disconnect();
});

async function connected(tenant: string) {
  const auth = { token: tokenFor({ sub: 'u1', tenant }), cursor: cursors.get(tenant) };
  const socket = io(gateway.url, { auth, transports: ['websocket'], forceNew: true, reconnection: false });
  sockets.push(socket);
  return { socket, recorder: new EventRecorder(socket) };
}

/** Asks to be replayed to, over long-polling. */
async function returning(tenant: string): Promise<RawPolling> {
  const polling = await RawPolling.open(gateway.url);
  const auth = { token: tokenFor({ sub: 'u2', tenant }), cursor: cursors.get(tenant) };
  await polling.post(`40${JSON.stringify(auth)}`);
  return polling;
}

async function replaying(): Promise<number> {
  return seriesValue(await (await fetch(`${gateway.url}/metrics`)).text(), 'rejoin_gateway_replaying_connections') ?? 0;
}
const countsAs = (count: number) => eventually(async () => expect(await replaying()).toBe(count), PATIENCE);

describe('replays', () => {
  it('that one tenant’s clients hold up leave a place for another’s, and none for more of its own until one is done', async () => {
    const storm: RawPolling[] = [];
    for (let n = 1; n <= SHARE; n++) {
      // None of them polls: each is stuck behind its first page.
      storm.push(await returning('acme'));
      await countsAs(n);
    }
    const before = await gateway.limited('replays');
    const refused = await returning('acme');
    expect(JSON.parse((await refused.find('44')).slice(2)).data).toEqual({
      code: 'OVERLOADED',
      retryable: true,
      retryAfterMs: expect.any(Number),
    });
    expect(await gateway.limited('replays')).toBe(before + 1);
    expect(await replaying()).toBe(SHARE);

    const other = await connected('globex');
    await eventually(() => expect(other.recorder.readies).toHaveLength(1), PATIENCE);
    expect(other.recorder.readies[0]?.ready.replay).toEqual({ status: 'complete', count: MISSED });

    // One reads to its end, one goes away: two places.
    const [reader, leaver] = storm as [RawPolling, RawPolling];
    expect(await reader.find('42["rejoin:ready"')).toContain(`"count":${MISSED}`);
    await leaver.post('1');
    await countsAs(SHARE - 2);
    const again = await connected('acme');
    await eventually(() => expect(again.recorder.readies).toHaveLength(1), PATIENCE);
    expect(again.recorder.readies[0]?.ready.replay).toEqual({ status: 'complete', count: MISSED });
    for (const polling of storm.slice(2)) await polling.post('1');
    await countsAs(0);
  });
});
