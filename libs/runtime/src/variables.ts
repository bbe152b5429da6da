import { parseRedisUrl } from '@rejoin/redis';
import { parseKeySetUrl, parsePublicKey } from './token-keys.ts';
import { bytes, durationMs, integer, orZero, text } from './variable.ts';

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

/** Where a process sends its spans. The other variables of OpenTelemetry count as well, from where its own library reads them. */
export const telemetryVariables = {
  otlpEndpoint: {
    ...text('OTEL_EXPORTER_OTLP_ENDPOINT', undefined, 'http://collector:4318'),
    parse(value: string): string {
      const url = URL.canParse(value) ? new URL(value) : undefined;
      if (url?.protocol !== 'http:' && url?.protocol !== 'https:') throw new Error('must be an http or https URL');
      return value;
    },
  },
};

/** How far back a client may resume. */
export const replayVariables = {
  windowMs: durationMs('REPLAY_WINDOW', 24 * 3_600_000),
  maxPerRoom: integer('REPLAY_MAX_PER_ROOM', 10_000, { min: 1, max: 10_000_000 }),
  maxBytes: bytes('REPLAY_MAX_BYTES', 1024 ** 3),
};

/** Clocks that are further apart are broken; and a withdrawn token would live on for as long. */
const MAX_CLOCK_TOLERANCE_MS = 60_000;
/** A token ends when it says so, unless an operator knows that clocks differ. */
const NO_TOLERANCE_MS = 0;
const clockTolerance = orZero(durationMs('JWT_CLOCK_TOLERANCE', NO_TOLERANCE_MS, '5s'));

/** How tokens are checked; exactly one of the three keys is required: see `tokenKeyProblems`. */
export const tokenVariables = {
  secret: text('JWT_SECRET', undefined, 'a long random text'),
  publicKey: { ...text('JWT_PUBLIC_KEY', undefined, '/etc/rejoin/jwt-public.pem'), parse: parsePublicKey },
  jwksUrl: {
    ...text('JWT_JWKS_URL', undefined, 'https://id.example.com/.well-known/jwks.json'),
    parse: parseKeySetUrl,
  },
  issuer: text('JWT_ISSUER', undefined, 'https://id.example.com'),
  audience: text('JWT_AUDIENCE', undefined, 'orders'),
  tenantClaim: text('JWT_TENANT_CLAIM', 'tenant_id', 'tenant_id'),
  clockToleranceMs: {
    ...clockTolerance,
    parse(value: string): number {
      const ms = clockTolerance.parse(value);
      if (ms > MAX_CLOCK_TOLERANCE_MS) throw new Error(`must be at most ${MAX_CLOCK_TOLERANCE_MS / 1_000}s`);
      return ms;
    },
  },
};
