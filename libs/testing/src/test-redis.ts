import { randomBytes } from 'node:crypto';
import { type EmbeddedRedis, type EmbeddedRedisOptions, startEmbeddedRedis } from '@rejoin/embedded-redis';

/**
 * The URL of the Redis that this jest run started for itself; all its test files share it, so keys need a prefix
 * (see {@link uniquePrefix}).
 * @throws Error outside a jest run, rather than falling back to a Redis that somebody else owns
 */
export function testRedis(): string {
  const url = process.env.REJOIN_TEST_REDIS_URL;
  if (!url) throw new Error('REJOIN_TEST_REDIS_URL is not set: run tests with `npm test` or `npm run jest`');
  return url;
}

/** A key prefix that no other test uses: letters, digits and `-`. */
export function uniquePrefix(): string {
  return `t-${randomBytes(6).toString('hex')}`;
}

/** A Redis of the test's own, for tests that stop, kill, pause or fill it. The test stops it. */
export function startTestRedis(options: EmbeddedRedisOptions = {}): Promise<EmbeddedRedis> {
  return startEmbeddedRedis(options);
}
