import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { accessibilityFindings, type Browser, findChromium, launchBrowser, screenshot } from '../src/index.ts';

const PAGE = `<!doctype html><html lang="en"><title>A page</title><main><h1>A page</h1><p>Words.</p></main></html>`;
const POOR_PAGE = `<!doctype html><html lang="en"><title>A page</title><main><h1>A page</h1><img src="/x.png"></main></html>`;

describe('a browser for tests', () => {
  let browser: Browser;
  let server: Server;
  let url: string;

  beforeAll(async () => {
    server = createServer((request, response) => {
      response.setHeader('content-type', 'text/html');
      response.setHeader('content-security-policy', "default-src 'self'");
      response.end(request.url === '/poor' ? POOR_PAGE : PAGE);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    browser = await launchBrowser();
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    server.close();
  });

  it('opens pages, of which contexts share nothing and tabs share storage', async () => {
    const [one, other] = [await browser.newContext(), await browser.newContext()];
    const [tab, secondTab, elsewhere] = [await one.newPage(), await one.newPage(), await other.newPage()];
    for (const page of [tab, secondTab, elsewhere]) await page.goto(url);
    await tab.evaluate(() => localStorage.setItem('seen', 'yes'));
    expect(await secondTab.evaluate(() => localStorage.getItem('seen'))).toBe('yes');
    expect(await elsewhere.evaluate(() => localStorage.getItem('seen'))).toBeNull();
    await Promise.all([one.close(), other.close()]);
  });

  it('names what axe finds serious, and nothing where there is nothing, under a strict policy too', async () => {
    const page = await browser.newPage();
    await page.goto(url);
    expect(await accessibilityFindings(page)).toEqual([]);
    await page.goto(`${url}/poor`);
    expect(await accessibilityFindings(page)).toEqual([
      expect.objectContaining({ rule: 'image-alt', impact: 'critical', where: [expect.stringContaining('x.png')] }),
    ]);
    await page.close();
  });

  it('keeps screenshots out of the repository', async () => {
    const page = await browser.newPage();
    await page.goto(url);
    const path = await screenshot(page, 'browser-spec');
    expect(relative(process.cwd(), path)).toMatch(/^\.\./);
    expect(statSync(path).size).toBeGreaterThan(1_000);
    rmSync(path);
    await page.close();
  });
});

describe('looking for Chromium', () => {
  it('takes the first program of a known name that says its version, unless one is named', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'rejoin-chromium-'));
    try {
      const program = (name: string, says: string): string => {
        const path = join(folder, name);
        writeFileSync(path, `#!/bin/sh\necho '${says}'\n`, { mode: 0o755 });
        return path;
      };
      expect(await findChromium(folder, undefined)).toBeNull();
      program('chromium', 'Please install the snap');
      const chrome = program('google-chrome', 'Google Chrome 156.0.8078.108');
      const named = program('mine', 'Chromium 157.0.1.2');
      expect(await findChromium(folder, undefined)).toEqual({ path: chrome, version: '156.0.8078.108' });
      expect(await findChromium(folder, named)).toEqual({ path: named, version: '157.0.1.2' });
      expect(await findChromium(folder, join(folder, 'absent'))).toBeNull();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
