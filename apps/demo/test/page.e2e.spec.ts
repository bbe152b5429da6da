import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import {
  accessibilityFindings,
  type Browser,
  type BrowserContext,
  eventually,
  launchBrowser,
  type Page,
} from '@rejoin/testing';

const SUPERVISOR = fileURLToPath(new URL('../../stack/dist/main.js', import.meta.url));
/** For what a loaded machine of two cores does in a fraction of it. */
const PATIENT = { timeoutMs: 45_000, intervalMs: 50 };
const FAULTS = ['lost', 'twice', 'disordered', 'foreign'] as const;

let dataDirectory: string;
let supervisor: ChildProcess;
let browser: Browser;
let demo: string;
const contexts: BrowserContext[] = [];

beforeAll(async () => {
  dataDirectory = mkdtempSync(join(tmpdir(), 'rejoin-demo-'));
  supervisor = fork(SUPERVISOR, [], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { PATH: process.env.PATH, DATA_DIR: dataDirectory, GATEWAY_PORTS: '0,0', OPS_PORT: '0', DEMO_PORT: '0' },
  });
  let output = '';
  for (const stream of [supervisor.stdout, supervisor.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  [demo, browser] = await Promise.all([
    eventually(() => /^ready .* demo=(\S+)$/m.exec(output)?.[1] ?? null, { timeoutMs: 60_000 }),
    launchBrowser(),
  ]);
}, 90_000);

afterEach(async () => {
  await Promise.all(contexts.splice(0).map((context) => context.close()));
});

afterAll(async () => {
  await browser?.close();
  if (supervisor.exitCode === null) {
    const exited = once(supervisor, 'exit');
    supervisor.kill('SIGTERM');
    await exited;
  }
  rmSync(dataDirectory, { recursive: true });
});

/** Another person's browser. */
async function openBrowser(options: Parameters<Browser['newContext']>[0] = {}): Promise<Page> {
  const context = await browser.newContext(options);
  contexts.push(context);
  return openTab(context);
}

/** A tab, once both boards are live and have received something. */
async function openTab(context: BrowserContext): Promise<Page> {
  const page = await context.newPage();
  await page.goto(demo);
  await eventually(async () => {
    for (const tenant of ['acme', 'globex']) {
      expect(Number(await textOf(page, `.board[data-tenant=${tenant}] [data-part=received]`))).toBeGreaterThan(0);
    }
    expect(await page.locator('.device[data-state=live]').count()).toBe(2);
  }, PATIENT);
  return page;
}

async function textOf(page: Page, selector: string): Promise<string> {
  return (await page.locator(selector).first().textContent()) ?? '';
}

const totalOf = async (page: Page, name: string) =>
  Number((await textOf(page, `#totals [data-part=${name}]`)).replace(',', ''));

async function expectNoFault(page: Page): Promise<void> {
  expect(await Promise.all(FAULTS.map((name) => totalOf(page, name)))).toEqual([0, 0, 0, 0]);
}

const ACME = '.board[data-tenant=acme]';
const switchOf = (page: Page, panel: string) => page.locator(`${panel} [role=switch]`);

describe('the demo, in a browser', () => {
  test('a client that is cut off misses events, and catches up on all of them, in order, once', async () => {
    const page = await openBrowser();
    await switchOf(page, ACME).click();
    await eventually(
      async () => expect(Number(await textOf(page, `${ACME} .figure`))).toBeGreaterThanOrEqual(3),
      PATIENT,
    );
    expect(await textOf(page, `${ACME} [data-part=state]`)).toBe('Cut off');
    expect(await page.locator(`${ACME} .tape i:not([data-had])`).count()).toBeGreaterThanOrEqual(3);
    await switchOf(page, ACME).click();
    await eventually(async () => expect(await page.locator(`${ACME}[data-moment=complete]`).count()).toBe(1), PATIENT);
    const caughtUp = Number(await textOf(page, `${ACME} .figure`));
    expect(caughtUp).toBeGreaterThanOrEqual(3);
    expect(await page.locator(`${ACME} .tape i[data-had=replayed]`).count()).toBe(caughtUp);
    await expectNoFault(page);
  }, 120_000);

  test('the clients of a killed gateway go on with the other one, and nothing is lost', async () => {
    const page = await openBrowser();
    const gateway = (await textOf(page, `${ACME} [data-part=gateway]`)).trim();
    const before = await totalOf(page, 'received');
    await page.getByRole('button', { name: `Kill ${gateway}` }).click();
    await eventually(async () => {
      expect(await page.locator(`${ACME}[data-state=live]`).count()).toBe(1);
      expect(await textOf(page, `${ACME} [data-part=gateway]`)).not.toBe(gateway);
      expect(await textOf(page, '[data-part=gateways]')).toContain('restarted');
      expect(await totalOf(page, 'received')).toBeGreaterThan(before + 8);
      expect(await totalOf(page, 'missing')).toBe(0);
    }, PATIENT);
    await expectNoFault(page);
  }, 120_000);

  test('the tenants of killed workers are carried on, and nothing is lost', async () => {
    const page = await openBrowser();
    for (const worker of ['worker 1', 'worker 2']) await page.getByRole('button', { name: `Kill ${worker}` }).click();
    await eventually(async () => expect(await totalOf(page, 'missing')).toBeGreaterThan(0), PATIENT);
    const before = await totalOf(page, 'received');
    await eventually(async () => {
      expect(await totalOf(page, 'received')).toBeGreaterThan(before + 8);
      expect(await totalOf(page, 'missing')).toBe(0);
    }, PATIENT);
    await expectNoFault(page);
  }, 120_000);

  test('what is read on one device is read on the other, also when it was off, in another tab and another browser', async () => {
    const page = await openBrowser();
    const elsewhere = await Promise.all([openTab(page.context()), openBrowser()]);
    const unreadOf = async (on: Page, device: string) => Number(await textOf(on, `[data-device=${device}] .count`));
    // Nothing more for Anna but what is ordered here could change the numbers between two looks, so each is waited for.
    await page.locator('#devices [data-part=order]').click();
    await eventually(async () => expect(await unreadOf(page, 'phone')).toBeGreaterThan(0), PATIENT);
    const row = page.locator('[data-device=phone] .notices .unread button').first();
    const id = await row.getAttribute('data-id');
    expect(id).not.toBeNull();
    await switchOf(page, '[data-device=laptop]').click();
    await page.locator(`[data-device=phone] [data-id="${id}"]`).click();
    await eventually(async () => {
      for (const on of [page, ...elsewhere]) {
        expect(await on.locator(`[data-device=phone] [data-id="${id}"]`).count()).toBe(0);
      }
    }, PATIENT);
    expect(await page.locator(`[data-device=laptop] [data-id="${id}"]`).count()).toBe(1);
    await switchOf(page, '[data-device=laptop]').click();
    await eventually(async () => {
      expect(await page.locator(`[data-device=laptop] [data-id="${id}"]`).count()).toBe(0);
      expect(await unreadOf(page, 'laptop')).toBe(await unreadOf(page, 'phone'));
    }, PATIENT);
    for (const on of [page, ...elsewhere]) await expectNoFault(on);
  }, 150_000);

  test('a stolen position opens nothing of another tenant', async () => {
    const page = await openBrowser();
    await page.locator('#tenants [data-part=try]').click();
    await eventually(async () => {
      expect(await textOf(page, '#tenants [data-part=answer]')).toContain('Events of globex received: 0.');
    }, PATIENT);
    expect(await page.locator('.matrix td.other').allTextContents()).toEqual(['0', '0', '0', '0']);
  }, 120_000);

  test.each(['light', 'dark'] as const)(
    'is accessible, fits a phone, and works by keyboard: %s',
    async (colorScheme) => {
      const page = await openBrowser({ colorScheme, viewport: { width: 390, height: 844 }, reducedMotion: 'reduce' });
      for (const summary of await page.locator('summary').all()) await summary.press('Enter');
      await switchOf(page, ACME).press('Space');
      await eventually(async () => expect(await textOf(page, `${ACME} [data-part=state]`)).toBe('Cut off'), PATIENT);
      expect(await accessibilityFindings(page)).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
    },
    120_000,
  );
});
