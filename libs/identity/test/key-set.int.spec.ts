import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  KeySetFetchError,
  KeysUnavailableError,
  keySetVerifier,
  type RemoteKeySetOptions,
  TokenVerifier,
} from '@rejoin/identity';
import { eventually } from '@rejoin/testing';
import { KeyServer } from './key-server.ts';
import { refusal } from './refusal.ts';
import { ALGORITHMS, compact, hmacToken, inOneHour, SigningKey, strangerFor } from './signing-key.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

const claims = () => ({ sub: 'u-1', tenant_id: 'acme', exp: inOneHour() });
const first = new SigningKey('RS256');
const second = new SigningKey('ES256');

let server: KeyServer;
/** The clock of key ages, in milliseconds; it stands still unless a test moves it. */
let nowMs: number;
let failures: KeySetFetchError[];

beforeEach(async () => {
  server = await KeyServer.start();
  server.serve(first.jwk({ kid: 'first' }));
  nowMs = 1_000;
  failures = [];
});
afterEach(() => server.stop());

function trusting(options: RemoteKeySetOptions = {}): TokenVerifier {
  const all = { now: () => nowMs, onFailure: (error: KeySetFetchError) => failures.push(error), ...options };
  return new TokenVerifier(keySetVerifier(server.url, {}, all));
}

const byFirst = (header: object = {}) => first.token(claims(), { kid: 'first', ...header });
const bySecond = () => second.token(claims(), { kid: 'second' });

async function unavailability(by: TokenVerifier, token: string): Promise<KeysUnavailableError> {
  const outcome = await by.verify(token).then(
    () => 'accepted',
    (error: unknown) => error,
  );
  expect(outcome).toBeInstanceOf(KeysUnavailableError);
  return outcome as KeysUnavailableError;
}

describe('keys of a URL', () => {
  test('are fetched with the first token, once, however many come', async () => {
    const verifier = trusting();
    expect(server.requests).toBe(0);
    const principals = await Promise.all(Array.from({ length: 50 }, () => verifier.verify(byFirst())));
    expect(principals.every(({ userId }) => userId === 'u-1')).toBe(true);
    await verifier.verify(byFirst());
    expect(server.requests).toBe(1);
  });

  test.each(ALGORITHMS)('check %s', async (algorithm) => {
    const key = /^[RP]S/.test(algorithm) ? first : new SigningKey(algorithm);
    server.serve(key.jwk({ kid: 'k', alg: algorithm, use: 'sig' }));
    const token = key.token(claims(), { kid: 'k' }, algorithm);
    expect((await trusting().verify(token)).userId).toBe('u-1');
    const stranger = strangerFor(algorithm).token(claims(), { kid: 'k' }, algorithm);
    expect((await refusal(trusting(), stranger)).code).toBe('AUTH_INVALID');
  });

  test('are chosen by kid', async () => {
    const third = new SigningKey('RS256');
    server.serve(first.jwk({ kid: 'first' }), second.jwk({ kid: 'second' }), third.jwk({ kid: 'third' }));
    const verifier = trusting();
    for (const token of [byFirst(), bySecond(), third.token(claims(), { kid: 'third' })]) {
      expect((await verifier.verify(token)).userId).toBe('u-1');
    }
    for (const kid of ['third', 'second', 'FIRST', '']) {
      expect((await refusal(verifier, byFirst({ kid }))).code).toBe('AUTH_INVALID');
    }
  });

  test('need no kid where exactly one fits', async () => {
    server.serve(first.jwk({ kid: 'first' }), second.jwk());
    const verifier = trusting();
    expect((await verifier.verify(first.token(claims()))).userId).toBe('u-1');
    expect((await verifier.verify(second.token(claims()))).userId).toBe('u-1');
    server.serve(first.jwk({ kid: 'a' }), new SigningKey('RS256').jwk({ kid: 'b' }));
    expect((await refusal(trusting(), first.token(claims()))).code).toBe('AUTH_INVALID');
  });

  test('accept the algorithms of their own kind, and only the one they name', async () => {
    const verifier = trusting();
    for (const algorithm of ['RS512', 'PS256'] as const) {
      expect((await verifier.verify(first.token(claims(), { kid: 'first' }, algorithm))).userId).toBe('u-1');
    }
    server.serve(first.jwk({ kid: 'first', alg: 'RS256' }), second.jwk({ kid: 'second' }));
    const pinned = trusting();
    expect((await pinned.verify(byFirst())).userId).toBe('u-1');
    for (const token of [
      first.token(claims(), { kid: 'first' }, 'RS512'),
      first.token(claims(), { kid: 'first' }, 'PS256'),
      first.token(claims(), { kid: 'second' }, 'RS256'),
      second.token(claims(), { kid: 'first' }),
      second.token(claims(), { kid: 'second', alg: 'ES384' }),
    ]) {
      expect((await refusal(pinned, token)).code).toBe('AUTH_INVALID');
    }
  });

  test('that are secrets, private, for other uses, or too weak to trust, check nothing', async () => {
    const secret = Buffer.from('a secret of more than thirty-two bytes');
    const unusable = new SigningKey('ES384');
    server.serve(
      { kty: 'oct', kid: 'secret', k: secret.toString('base64url') },
      first.privateJwk({ kid: 'private' }),
      first.jwk({ kid: 'encryption', use: 'enc' }),
      first.jwk({ kid: 'wrapping', key_ops: ['wrapKey'] }),
      { kty: 'RSA', kid: 'short', n: Buffer.alloc(64, 0xff).toString('base64url'), e: 'AQAB' },
      { kty: 'EC', kid: 'no point', crv: 'P-256', x: 'AA', y: 'AA' },
      { kty: 'future', kid: 'future' },
      unusable.jwk({ kid: 'good' }),
    );
    const verifier = trusting();
    expect((await verifier.verify(unusable.token(claims(), { kid: 'good' }))).userId).toBe('u-1');
    for (const token of [
      hmacToken(claims(), secret.toString(), { alg: 'HS256', kid: 'secret' }),
      hmacToken(claims(), first.publicPem, { alg: 'HS256', kid: 'good' }),
      byFirst({ kid: 'private' }),
      byFirst({ kid: 'encryption' }),
      byFirst({ kid: 'wrapping' }),
      byFirst({ kid: 'short' }),
      second.token(claims(), { kid: 'no point' }),
      compact({ alg: 'none', kid: 'good' }, claims(), () => ''),
      compact({ alg: 'None', kid: 'good' }, claims(), () => 'AA'),
    ]) {
      expect((await refusal(verifier, token)).code).toBe('AUTH_INVALID');
    }
  });

  test('are never taken from where the header points, or from the header', async () => {
    const elsewhere = await KeyServer.start();
    elsewhere.serve(second.jwk({ kid: 'second' }));
    const verifier = trusting();
    try {
      for (const header of [
        { jku: elsewhere.url },
        { x5u: elsewhere.url },
        { jwk: second.jwk() },
        { kid: elsewhere.url },
      ]) {
        const token = second.token(claims(), { kid: 'second', ...header });
        expect((await refusal(verifier, token)).code).toBe('AUTH_INVALID');
      }
      expect(elsewhere.requests).toBe(0);
    } finally {
      await elsewhere.stop();
    }
  });

  test('refuse a header that demands extensions', async () => {
    for (const header of [{ crit: ['b64'], b64: true }, { crit: ['exp'], exp: 1 }, { crit: [] }]) {
      expect((await refusal(trusting(), byFirst(header))).code).toBe('AUTH_INVALID');
    }
  });

  test('check issuer, audience and time as every other key does', async () => {
    const now = 1_800_000_000;
    const expectations = { issuer: 'https://id', audience: 'orders', clockToleranceMs: 5_000, now: () => now * 1_000 };
    const verifier = new TokenVerifier(keySetVerifier(server.url, expectations));
    const good = { sub: 'u-1', iss: 'https://id', aud: 'orders', exp: now - 4, nbf: now + 5 };
    const token = (changes: object) => first.token({ ...good, ...changes }, { kid: 'first' });
    expect((await verifier.verify(token({}))).expiresAtMs).toBe((now + 1) * 1_000);
    expect((await refusal(verifier, token({ exp: now - 5 }))).code).toBe('AUTH_EXPIRED');
    for (const bad of [{ nbf: now + 6 }, { iss: 'https://evil' }, { aud: 'other' }, { aud: undefined }]) {
      const error = await refusal(verifier, token(bad));
      expect(error.code).toBe('AUTH_INVALID');
      expect(error.message).not.toContain('https://id');
    }
  });
});

describe('rotation', () => {
  test('a token of a new key makes the keys be fetched again', async () => {
    const verifier = trusting();
    await verifier.verify(byFirst());
    server.serve(first.jwk({ kid: 'first' }), second.jwk({ kid: 'second' }));
    nowMs += 10_000;
    expect((await verifier.verify(bySecond())).userId).toBe('u-1');
    expect((await verifier.verify(byFirst())).userId).toBe('u-1');
    expect(server.requests).toBe(2);
  });

  test('a withdrawn key is refused once the keys are fetched again', async () => {
    const verifier = trusting();
    await verifier.verify(byFirst());
    server.serve(second.jwk({ kid: 'second' }));
    nowMs += 10_000;
    expect((await verifier.verify(bySecond())).userId).toBe('u-1');
    expect((await refusal(verifier, byFirst())).code).toBe('AUTH_INVALID');
  });

  test('a key that changed under its kid is found by the refresh, which no token waits for', async () => {
    const verifier = trusting();
    await verifier.verify(byFirst());
    const changed = new SigningKey('RS256');
    server.serve(changed.jwk({ kid: 'first' }));
    nowMs += 10 * MINUTE_MS - 1;
    expect((await verifier.verify(byFirst())).userId).toBe('u-1');
    expect(server.requests).toBe(1);
    nowMs += 1;
    expect((await verifier.verify(byFirst())).userId).toBe('u-1');
    await eventually(async () => {
      expect((await refusal(verifier, byFirst())).code).toBe('AUTH_INVALID');
    });
    expect((await verifier.verify(changed.token(claims(), { kid: 'first' }))).userId).toBe('u-1');
    expect(server.requests).toBe(2);
  });

  test('tokens of unknown keys cause one request in each cooldown, however many come', async () => {
    const verifier = trusting();
    await verifier.verify(byFirst());
    for (let cooldown = 1; cooldown <= 3; cooldown++) {
      for (let i = 0; i < 100; i++) {
        const kid = `forged-${cooldown}-${i}`;
        expect((await refusal(verifier, second.token(claims(), { kid }))).code).toBe('AUTH_INVALID');
      }
      // The cooldown begins with the fetch that came before: the first round falls into that of the very first fetch.
      expect(server.requests).toBe(cooldown);
      nowMs += 10_000;
    }
    const flood = Array.from({ length: 200 }, (_, i) => second.token(claims(), { kid: `flood-${i}` }));
    await Promise.all(flood.map((token) => refusal(verifier, token)));
    expect(server.requests).toBe(4);
    expect((await verifier.verify(byFirst())).userId).toBe('u-1');
  });
});

describe('a key server that is down', () => {
  test('before any key was fetched: tokens can be neither accepted nor refused', async () => {
    server.fail();
    const verifier = trusting();
    const error = await unavailability(verifier, byFirst());
    expect(error).toMatchObject({ code: 'KEYS_UNAVAILABLE', cause: expect.any(KeySetFetchError) });
    expect(error.retryAfterMs).toBeGreaterThanOrEqual(1_000);
    expect(error.message).not.toContain('127.0.0.1');
    expect(failures).toHaveLength(1);
    server.serve(first.jwk({ kid: 'first' }));
    nowMs += 1_000;
    expect((await verifier.verify(byFirst())).userId).toBe('u-1');
  });

  test('is asked with growing pauses, at most once in each', async () => {
    server.fail();
    const verifier = trusting();
    for (let elapsedS = 0; elapsedS < 600; elapsedS++) {
      await Promise.all([unavailability(verifier, byFirst()), unavailability(verifier, bySecond())]);
      nowMs += 1_000;
    }
    // Pauses of at most 1, 2, 4, 8, 16 and then 30 seconds, each between half and all of that.
    expect(server.requests).toBeGreaterThanOrEqual(20);
    expect(server.requests).toBeLessThanOrEqual(46);
    expect(failures).toHaveLength(server.requests);
  });

  test('afterwards: known keys go on working, up to their greatest age', async () => {
    const verifier = trusting();
    await verifier.verify(byFirst());
    server.fail();
    for (let hour = 1; hour <= 3; hour++) {
      nowMs += HOUR_MS;
      expect((await verifier.verify(byFirst())).userId).toBe('u-1');
      await eventually(() => expect(failures).toHaveLength(hour));
    }
    nowMs += HOUR_MS - 1;
    expect((await verifier.verify(byFirst())).userId).toBe('u-1');
    await eventually(() => expect(failures).toHaveLength(4));
    nowMs += MINUTE_MS;
    await unavailability(verifier, byFirst());
    server.serve(first.jwk({ kid: 'first' }));
    nowMs += MINUTE_MS;
    expect((await verifier.verify(byFirst())).userId).toBe('u-1');
  });

  test('lets nobody in with a key that is not known, and does not say that the token is bad', async () => {
    const verifier = trusting();
    await verifier.verify(byFirst());
    server.fail();
    nowMs += MINUTE_MS;
    await unavailability(verifier, bySecond());
    expect((await refusal(verifier, second.token(claims(), { kid: 'first', alg: 'RS256' }))).code).toBe('AUTH_INVALID');
    expect((await verifier.verify(byFirst())).userId).toBe('u-1');
    expect(server.requests).toBe(2);
  });

  const BOMB = gzipSync(Buffer.alloc(32 * 1024 * 1024, ' '));
  const silent = () => undefined;
  const unending = (response: ServerResponse) => {
    const more = (): void => {
      while (!response.destroyed && response.write(' '.repeat(65_536)));
    };
    response.on('drain', more);
    more();
  };
  test.each<[string, string, (response: ServerResponse) => void]>([
    ['never answers', 'no answer within', silent],
    ['stops in the middle of its answer', 'no answer within', (response) => void response.write('{"keys":[')],
    ['answers without end', 'more than 262144 bytes', unending],
    [
      'answers with a compressed bomb',
      'more than 262144 bytes',
      (response) => response.setHeader('content-encoding', 'gzip').end(BOMB),
    ],
    ['has an error', 'status 500', (response) => response.writeHead(500).end('{"keys":[]}')],
    ['points elsewhere', 'redirect', (response) => response.writeHead(302, { location: 'http://127.0.0.1:9/' }).end()],
    ['answers with something else', 'not JSON', (response) => response.end('<html>')],
    ['answers with nothing', 'not JSON', (response) => response.end()],
    ['answers with null', 'no list "keys"', (response) => response.end('null')],
    ['answers with another document', 'no list "keys"', (response) => response.end('{"issuer":"https://id"}')],
    ['answers with keys that are no list', 'no list "keys"', (response) => response.end('{"keys":{"0":{}}}')],
  ])('counts as down where it %s', async (_, reason, answer) => {
    const verifier = trusting(reason.startsWith('no answer') ? { timeoutMs: 100 } : {});
    server.answer(answer);
    const error = await unavailability(verifier, byFirst());
    expect((error.cause as Error).message).toContain(reason);
    expect(server.requests).toBe(1);
  });

  test.each(['null', '7', '"key"', '[]', '{}', '{"kty":"oct","k":"AA"}'])(
    'counts as down where it has no key that can be used: %s',
    async (key) => {
      server.answer((response) => response.end(`{"keys":[${key}]}`));
      const verifier = trusting();
      await unavailability(verifier, byFirst());
      server.serve(first.jwk({ kid: 'first' }));
      nowMs += 10_000;
      expect((await verifier.verify(byFirst())).userId).toBe('u-1');
    },
  );

  test('withdraws all keys where it answers that there are none', async () => {
    const verifier = trusting();
    await verifier.verify(byFirst());
    server.serve();
    nowMs += 10_000;
    await unavailability(verifier, bySecond());
    await unavailability(verifier, byFirst());
    expect(server.requests).toBe(2);
  });
});
