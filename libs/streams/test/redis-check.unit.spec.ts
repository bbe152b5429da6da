import { expect, it } from '@jest/globals';
import { examineServer } from '../src/index.ts';

const SOUND = {
  redis_version: '8.0.0',
  maxmemory: '0',
  maxmemory_policy: 'noeviction',
  aof_enabled: '1',
  aof_last_write_status: 'ok',
  role: 'master',
};
const codes = (more: Readonly<Record<string, string>>) =>
  [...examineServer(new Map(Object.entries({ ...SOUND, ...more })))].map(({ code }) => code);

it('finds nothing wrong with sound settings', () => {
  expect(codes({})).toEqual([]);
});

it.each([
  ['EVICTION_POLICY', { maxmemory_policy: 'allkeys-lru', maxmemory: '1000' }],
  ['MEMORY_SHORT', { maxmemory: '1000', used_memory: '900' }],
  ['NO_PERSISTENCE', { aof_enabled: '0' }],
  ['PERSISTENCE_FAILS', { aof_last_write_status: 'err' }],
  ['VERSION_TOO_OLD', { redis_version: '6.2.14' }],
  ['LAG_BUG', { redis_version: '7.2.5' }],
  ['REPLICA', { role: 'slave' }],
] as const)('finds %s', (code, info) => {
  expect(codes(info)).toEqual([code]);
  const [finding] = examineServer(new Map(Object.entries({ ...SOUND, ...info })));
  expect(finding?.remedy).not.toBe('');
});
