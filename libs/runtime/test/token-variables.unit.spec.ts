import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { readConfiguration, tokenKeyProblems, tokenVariables } from '../src/index.ts';

const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const PUBLIC = publicKey.export({ type: 'spki', format: 'pem' }) as string;
const PRIVATE = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
const folder = mkdtempSync(join(tmpdir(), 'rejoin-pem-'));
afterAll(() => rmSync(folder, { recursive: true }));

const read = (environment: NodeJS.ProcessEnv) => readConfiguration(tokenVariables, environment);

function fileWith(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

describe('JWT_PUBLIC_KEY', () => {
  it.each<[string, () => string]>([
    ['a PEM text', () => PUBLIC],
    ['a PEM text on one line', () => PUBLIC.replaceAll('\n', String.raw`\n`)],
    ['the path of a PEM file', () => fileWith('public.pem', PUBLIC)],
  ])('may be %s', (_, make) => {
    expect(read({ JWT_PUBLIC_KEY: make() }).publicKey?.trim()).toBe(PUBLIC.trim());
  });

  it.each<[string, () => string, string]>([
    ['a private key', () => PRIVATE, 'not a private one'],
    ['the path of a private key', () => fileWith('private.pem', PRIVATE), 'not a private one'],
    ['both', () => `${PUBLIC}${PRIVATE}`, 'not a private one'],
    ['the path of another file', () => fileWith('other', 'text'), 'must be a public key in PEM'],
    ['the path of a large file', () => fileWith('large', 'x'.repeat(65_537)), 'it has 65537 bytes'],
    ['the path of a folder', () => folder, 'EISDIR'],
    ['the path of no file', () => join(folder, 'missing'), 'ENOENT'],
  ])('may not be %s', (_, make, problem) => {
    const value = make();
    expect(() => read({ JWT_PUBLIC_KEY: value })).toThrow(problem);
    expect(() => read({ JWT_PUBLIC_KEY: value })).not.toThrow(value);
  });
});

describe('JWT_JWKS_URL', () => {
  it('is an address', () => {
    const url = 'https://id.example.com/.well-known/jwks.json?tenant=1';
    expect(read({ JWT_JWKS_URL: url }).jwksUrl).toBe(url);
  });

  it.each(['id.example.com', 'file:///etc/passwd', 'ftp://id', 'https://', 'https://user:pass@id.example.com/'])(
    'may not be %s',
    (value) => {
      expect(() => read({ JWT_JWKS_URL: value })).toThrow('JWT_JWKS_URL must');
    },
  );
});

describe('JWT_CLOCK_TOLERANCE', () => {
  it.each([
    [undefined, 0],
    ['5s', 5_000],
    ['0s', 0],
    ['0ms', 0],
    ['250ms', 250],
    ['60s', 60_000],
    ['1m', 60_000],
  ])('%s is %s milliseconds', (value, ms) => {
    expect(read(value === undefined ? {} : { JWT_CLOCK_TOLERANCE: value }).clockToleranceMs).toBe(ms);
  });

  it.each(['61s', '1h', '0', '5', '-1s'])('may not be %s', (value) => {
    expect(() => read({ JWT_CLOCK_TOLERANCE: value })).toThrow('JWT_CLOCK_TOLERANCE');
  });
});

describe('of the three keys', () => {
  it('none or one is no problem', () => {
    expect(tokenKeyProblems(read({}))).toEqual([]);
    expect(tokenKeyProblems(read({ JWT_SECRET: 's' }))).toEqual([]);
    expect(tokenKeyProblems(read({ JWT_PUBLIC_KEY: PUBLIC }))).toEqual([]);
    expect(tokenKeyProblems(read({ JWT_JWKS_URL: 'https://id/' }))).toEqual([]);
  });

  it('two are, and are named', () => {
    expect(tokenKeyProblems(read({ JWT_SECRET: 's', JWT_JWKS_URL: 'https://id/' }))).toEqual([
      expect.stringMatching(/^JWT_SECRET and JWT_JWKS_URL are set/),
    ]);
    const all = read({ JWT_SECRET: 's', JWT_PUBLIC_KEY: PUBLIC, JWT_JWKS_URL: 'https://id/' });
    expect(tokenKeyProblems(all)).toEqual([expect.stringContaining('JWT_SECRET and JWT_PUBLIC_KEY and JWT_JWKS_URL')]);
  });
});
