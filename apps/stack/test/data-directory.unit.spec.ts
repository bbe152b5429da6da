import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { LogFile } from '../src/log-file.ts';
import { provideSigningSecret } from '../src/signing-secret.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rejoin-data-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

describe('the signing secret', () => {
  it('is long, random, its owner’s alone, and the same at the next start', () => {
    const { secret, path } = provideSigningSecret(directory);
    expect(Buffer.byteLength(secret)).toBeGreaterThanOrEqual(32);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(provideSigningSecret(directory).secret).toBe(secret);
    expect(readdirSync(directory)).toEqual(['jwt-secret']);
    rmSync(path);
    expect(provideSigningSecret(directory).secret).not.toBe(secret);
  });
});

describe('a log file', () => {
  const path = (): string => join(directory, 'logs/worker-1.log');

  it('keeps the previous run beside the present one', () => {
    for (const text of ['first\n', 'second\n', 'third\n']) {
      const log = new LogFile(path());
      log.write(text);
      log.close();
    }
    expect(readFileSync(path(), 'utf8')).toBe('third\n');
    expect(readFileSync(`${path()}.1`, 'utf8')).toBe('second\n');
    expect(readdirSync(join(directory, 'logs'))).toHaveLength(2);
  });

  it('takes no more than twice its bound', () => {
    const log = new LogFile(path(), 100);
    for (let i = 0; i < 1_000; i += 1) log.write(`line ${i}\n`);
    log.close();
    const size = statSync(path()).size + statSync(`${path()}.1`).size;
    expect(size).toBeLessThan(250);
    expect(readFileSync(`${path()}.1`, 'utf8') + readFileSync(path(), 'utf8')).toMatch(/line 999\n$/);
  });
});
