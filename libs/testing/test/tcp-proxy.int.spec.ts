import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { connect, disconnect, type RedisClient } from '@rejoin/redis';
import { eventually, startTestRedis, TcpProxy, testRedis, uniquePrefix } from '../src/index.ts';

let proxy: TcpProxy;
let direct: RedisClient;
let proxied: RedisClient;
let key: string;
const others: RedisClient[] = [];

beforeEach(async () => {
  key = uniquePrefix();
  proxy = await TcpProxy.start(testRedis());
  direct = connect({ url: testRedis(), use: 'commands', name: 'direct', onError: () => undefined });
  proxied = connect({ url: proxy.url, use: 'commands', name: 'proxied', onError: () => undefined });
  await proxied.ping();
});
afterEach(async () => {
  disconnect(direct);
  disconnect(proxied);
  for (const client of others.splice(0)) disconnect(client);
  await proxy.stop();
});

function connectTo(url: string, use: 'commands' | 'blocking', commandTimeoutMs = 5_000): RedisClient {
  const client = connect({ url, use, name: 'other', commandTimeoutMs, onError: () => undefined });
  others.push(client);
  return client;
}

/** A client of its own that gives up soon. */
const impatient = (): RedisClient => connectTo(proxy.url, 'commands', 200);

describe('a proxy', () => {
  it('passes everything through, large replies too', async () => {
    const value = 'x'.repeat(3_000_000);
    await proxied.set(key, value);
    expect(await direct.strlen(key)).toBe(value.length);
    expect(await proxied.getdel(key)).toBe(value);
  });

  it('works in front of a server on TCP', async () => {
    const redis = await startTestRedis({ listen: 'tcp' });
    const inFront = await TcpProxy.start(redis.url);
    const client = connectTo(inFront.url, 'commands');
    expect(await client.ping()).toBe('PONG');
    expect(new URL(inFront.url).port).toBe(String(inFront.port));
    await inFront.stop();
    await redis.stop();
  });

  it('delays, in order', async () => {
    proxy.delay(60);
    const start = performance.now();
    const replies = await Promise.all([proxied.incr(key), proxied.incr(key), proxied.incr(key)]);
    expect(performance.now() - start).toBeGreaterThan(110);
    expect(replies).toEqual([1, 2, 3]);
  });

  it('cuts connections, and lets new ones in', async () => {
    const closed = new Promise((resolve) => proxied.once('close', resolve));
    proxy.cut();
    await closed;
    expect(await proxied.ping()).toBe('PONG');
  });

  it('refuses connections until it is told otherwise', async () => {
    proxy.refuse();
    await eventually(() => proxy.connections === 0);
    const client = impatient();
    await expect(client.ping()).rejects.toThrow(/closed|retries/);
    proxy.resume();
    expect(await eventually(() => proxied.ping())).toBe('PONG');
  });

  it('holds replies back and delivers them later', async () => {
    proxy.stall('replies');
    const reply = proxied.incr(key);
    await eventually(async () => (await direct.get(key)) === '1');
    proxy.resume();
    expect(await reply).toBe(1);
  });

  it('holds requests back and delivers them later', async () => {
    proxy.stall('requests');
    const reply = proxied.set(key, '1');
    await direct.ping();
    expect(await direct.exists(key)).toBe(0);
    proxy.resume();
    expect(await reply).toBe('OK');
  });

  it('drops replies: what was asked is done, and the one who asked never knows', async () => {
    const client = impatient();
    await client.ping();
    proxy.drop('replies');
    await expect(client.incr(key)).rejects.toThrow('timed out');
    expect(await direct.get(key)).toBe('1');
    const closed = new Promise((resolve) => client.once('close', resolve));
    proxy.resume();
    await closed;
  });

  it('loses the reply to one request, and only that', async () => {
    const client = connectTo(proxy.url, 'blocking');
    await client.ping();
    const lost = proxy.loseReplyTo(key);
    const answer = client.incr(key).catch((error: unknown) => error);
    await lost;
    expect(await answer).toBeInstanceOf(Error);
    expect(await direct.get(key)).toBe('1');
    expect(await proxied.incr(key)).toBe(2);
  });

  it('leaves open connections alone with each other, and lets new ones in', async () => {
    const client = impatient();
    const id = await client.client('ID');
    const isKnown = async (): Promise<boolean> => String(await direct.client('LIST')).includes(`id=${id} `);
    proxy.blackHole();
    await expect(client.incr(key)).rejects.toThrow('timed out');
    expect(await direct.exists(key)).toBe(0);
    // The server is not even told that the client is gone.
    disconnect(client);
    const newcomer = impatient();
    expect(await newcomer.incr(key)).toBe(1);
    expect(await isKnown()).toBe(true);
    proxy.resume();
    await eventually(async () => !(await isKnown()));
    expect(await newcomer.incr(key)).toBe(2);
  });

  it('sends new connections to another server when it is told to', async () => {
    const other = await startTestRedis({ listen: 'tcp' });
    proxy.retarget(other.url);
    const client = impatient();
    await client.set(key, 'there');
    expect(await direct.exists(key)).toBe(0);
    expect(await proxied.ping()).toBe('PONG');
    disconnect(client);
    await other.stop();
  });
});
