import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { connect, disconnect, type RedisClient } from '@rejoin/redis';
import { eventually, TcpProxy, testRedis } from '@rejoin/testing';
import { replaceSilentConnection } from '../src/silent-connection.ts';

let proxy: TcpProxy;
let client: RedisClient;
beforeEach(async () => {
  proxy = await TcpProxy.start(testRedis());
  client = connect({
    url: proxy.url,
    use: 'commands',
    name: 'test',
    commandTimeoutMs: 1_000,
    onError: () => undefined,
  });
  await client.ping();
});
afterEach(async () => {
  disconnect(client);
  await proxy.stop();
});

async function failure(command: Promise<unknown>): Promise<unknown> {
  try {
    return await command;
  } catch (error) {
    return error;
  }
}

test('a connection on which a command timed out is replaced', async () => {
  const before = await client.client('ID');
  proxy.stall('replies');
  const error = await failure(client.ping());
  expect(String(error)).toContain('Command timed out');
  replaceSilentConnection(client, error);
  await eventually(() => expect(client.status).not.toBe('ready'));
  proxy.resume();
  await eventually(async () => expect(await client.client('ID')).not.toBe(before));
});

test('a connection that answers, even with an error, is kept', async () => {
  const before = await client.client('ID');
  const error = await failure(client.call('NONSENSE'));
  expect(String(error)).toContain('unknown command');
  replaceSilentConnection(client, error);
  expect(await client.client('ID')).toBe(before);
});
