// Starts the one private Redis of a jest run. It keeps nothing on disk, and ends with the jest process however that ends.
import { register } from 'node:module';

register('../../../scripts/swc-hooks.mjs', import.meta.url);

export default async function globalSetup() {
  const { startEmbeddedRedis } = await import('../../embedded-redis/src/index.ts');
  const redis = await startEmbeddedRedis({ directives: { 'enable-debug-command': 'local' } });
  globalThis.rejoinTestRedis = redis;
  process.env.REJOIN_TEST_REDIS_URL = redis.url;
}
