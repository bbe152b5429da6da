import { createConnection } from 'node:net';
import { expect, test } from '@jest/globals';
import { classifyRedisFailure, type RedisFailure } from '../src/index.ts';

test.each<[RedisFailure, name: string, message: string]>([
  ['passing', 'ReplyError', 'LOADING Redis is loading the dataset in memory'],
  ['passing', 'ReplyError', "READONLY You can't write against a read only replica."],
  ['passing', 'ReplyError', 'TRYAGAIN Multiple keys request during rehashing of slot'],
  ['passing', 'ReplyError', 'CLUSTERDOWN Hash slot not served'],
  ['passing', 'ReplyError', 'MISCONF Errors writing to the AOF file'],
  ['no-group', 'ReplyError', "NOGROUP No such key 'x' or consumer group 'bridge'"],
  ['memory', 'ReplyError', 'OOM command not allowed'],
  ['unexpected', 'ReplyError', 'WRONGTYPE Operation against a key'],
  ['unexpected', 'ReplyError', 'LOADINGS of something else'],
  ['connection', 'MaxRetriesPerRequestError', 'Reached the max retries per request limit'],
  ['connection', 'Error', 'Connection is closed.'],
  ['connection', 'Error', 'Command timed out'],
  ['connection', 'Error', 'a blocking read stayed unanswered for 4500 ms'],
  ['unexpected', 'TypeError', 'x is not a function'],
])('is %s: %s %s', (failure, name, message) => {
  expect(classifyRedisFailure(Object.assign(new Error(message), { name }))).toBe(failure);
});

test('an error of a socket is one of the connection', async () => {
  const error = await new Promise((resolve) => createConnection('/nowhere/redis.sock').on('error', resolve));
  expect(classifyRedisFailure(error)).toBe('connection');
});

test('what is no error at all is unexpected', () => {
  expect(classifyRedisFailure('NOGROUP')).toBe('unexpected');
});
