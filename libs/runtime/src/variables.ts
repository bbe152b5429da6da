import { parseRedisUrl } from '@rejoin/redis';
import { bytes, durationMs, integer, text } from './variable.ts';

/** What every process that touches Redis is told. */
export const redisVariables = {
  redisUrl: {
    ...text('REDIS_URL', 'redis://127.0.0.1:6379', 'redis://127.0.0.1:6379'),
    parse(value: string): string {
      parseRedisUrl(value);
      return value;
    },
  },
  prefix: {
    ...text('REJOIN_PREFIX', 'rejoin', 'rejoin'),
    parse(value: string): string {
      if (!/^[A-Za-z0-9_-]{1,64}$/.test(value)) throw new Error('must consist of at most 64 letters, digits, _ and -');
      return value;
    },
  },
  partitions: integer('REJOIN_PARTITIONS', undefined, { min: 1, max: 1_024 }),
};

/** How far back a client may resume. */
export const replayVariables = {
  windowMs: durationMs('REPLAY_WINDOW', 24 * 3_600_000),
  maxPerRoom: integer('REPLAY_MAX_PER_ROOM', 10_000, { min: 1, max: 10_000_000 }),
  maxBytes: bytes('REPLAY_MAX_BYTES', 1024 ** 3),
};

/** How tokens are checked; at least one key is required. */
export const tokenVariables = {
  secret: text('JWT_SECRET', undefined, 'a long random text'),
  issuer: text('JWT_ISSUER', undefined, 'https://id.example.com'),
  audience: text('JWT_AUDIENCE', undefined, 'orders'),
  tenantClaim: text('JWT_TENANT_CLAIM', 'tenant_id', 'tenant_id'),
};
