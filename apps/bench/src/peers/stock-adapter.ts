import { createAdapter } from '@socket.io/redis-streams-adapter';
import { Redis } from 'ioredis';

/**
 * The adapter with its defaults, but a stream long enough that nothing is trimmed before its client comes back (10,000 by
 * default).
 */
const MAX_LENGTH = 10_000_000;

export function stockAdapter(redisUrl: string): { adapter: ReturnType<typeof createAdapter>; client: Redis } {
  const client = new Redis(redisUrl);
  client.on('error', (error) => process.stderr.write(`stock adapter: ${error.message}\n`));
  return { adapter: createAdapter(client, { maxLen: MAX_LENGTH }), client };
}
