import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { problem, RunningOps } from './running-ops.ts';

let ops: RunningOps;
const PAGE = { headers: { accept: 'text/html' } };

beforeAll(async () => {
  execFileSync(process.execPath, ['scripts/bundle-console.mjs'], { cwd: new URL('../../../', import.meta.url) });
  ops = await RunningOps.start();
}, 60_000);

afterAll(() => ops.stop());

const fetchText = async (path: string, init: RequestInit = {}) => {
  const response = await fetch(`${ops.url}${path}`, init);
  return { status: response.status, headers: response.headers, text: await response.text() };
};

describe('serving the console', () => {
  it('answers its page at / and at each of its addresses, never cached and with a strict policy', async () => {
    for (const path of ['/', '/dead-letters?tenant=acme', '/partitions/3']) {
      const { status, headers, text } = await fetchText(path, PAGE);
      expect({ status, type: headers.get('content-type') }).toEqual({ status: 200, type: 'text/html; charset=utf-8' });
      expect(text).toContain('<div id="root">');
      expect(headers.get('cache-control')).toBe('no-cache');
      const policy = headers.get('content-security-policy') ?? '';
      expect(policy).toContain("default-src 'none'");
      expect(policy).not.toContain('unsafe');
    }
  });

  it('answers assets by their hashed names, compressed and for ever', async () => {
    const { text } = await fetchText('/', PAGE);
    const [, script = ''] = /src="(\/assets\/main-[^"]+)"/.exec(text) ?? [];
    const { status, headers } = await fetchText(script);
    expect(status).toBe(200);
    expect(headers.get('content-encoding')).toBe('gzip');
    expect(headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
  });

  it('leaves the API its own paths: what is missing there is a problem, not a page', async () => {
    expect(await ops.request('/v1/nonsense', PAGE)).toMatchObject(problem(404, 'NOT_FOUND'));
    expect(await ops.request('/assets/main-0000000000.js', PAGE)).toMatchObject(problem(404, 'NOT_FOUND'));
    expect((await fetchText('/health/live', PAGE)).headers.get('content-type')).toContain('json');
  });
});
