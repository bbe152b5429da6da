import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from '@jest/globals';

const ROOT = new URL('../../../', import.meta.url);
const BUILT = new URL('apps/console/dist/browser/', ROOT);
/** What a browser loads for its first page may weigh this much. */
const MOST_BYTES = 250_000;

describe('the built console', () => {
  beforeAll(() => {
    execFileSync(process.execPath, ['scripts/bundle-console.mjs'], { cwd: ROOT });
  });

  it('weighs at most 250 KB gzipped, page, script and style together', () => {
    const files = ['index.html.gz', ...readdirSync(new URL('assets/', BUILT)).map((name) => `assets/${name}`)];
    const sizes = files.filter((name) => name.endsWith('.gz')).map((name) => readFileSync(new URL(name, BUILT)).length);
    expect(sizes.length).toBeGreaterThanOrEqual(4);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(MOST_BYTES);
  });

  it('loads what it is made of and nothing from elsewhere', () => {
    const page = readFileSync(new URL('index.html', BUILT), 'utf8');
    const named = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path as string);
    expect(named).toHaveLength(3);
    for (const path of named) expect(readFileSync(new URL(`.${path}`, BUILT)).length).toBeGreaterThan(0);
  });

  it('has of our own rooms only itself: the forms of the API are types', () => {
    const inputs = JSON.parse(readFileSync(new URL('inputs.json', BUILT), 'utf8')) as string[];
    expect(inputs.filter((path) => /^(libs|apps)\//.test(path) && !path.startsWith('apps/console/'))).toEqual([]);
    expect(inputs.filter((path) => path.startsWith('node_modules/valibot/'))).toEqual([]);
  });
});
