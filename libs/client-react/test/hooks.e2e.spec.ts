import { afterAll, afterEach, beforeAll, beforeEach, expect, it, jest } from '@jest/globals';
import { type Browser, eventually, launchBrowser, type Page, tokenFor } from '@rejoin/testing';
import { ScriptedHistory } from '../../client/test/conformance/scripted-history.ts';
import { type PageServer, servePage } from '../../client/test/page-server.ts';

jest.setTimeout(90_000);

interface InPage {
  start(url: string, token: string): void;
  show(order: string): void;
  unmount(): void;
  client: { readonly state: string };
}

let browser: Browser;
let server: PageServer;
let history: ScriptedHistory;
let page: Page;
beforeAll(async () => {
  browser = await launchBrowser();
  server = await servePage({ entryPoints: ['libs/client-react/test/fixtures/page.ts'] });
});
afterAll(async () => {
  await browser.close();
  await server.stop();
});
beforeEach(async () => {
  history = await ScriptedHistory.start();
  page = await browser.newPage();
  await page.goto(server.url);
});
afterEach(async () => {
  await page.close();
  await history.stop();
});

const start = (): Promise<void> =>
  page.evaluate(({ url, token }) => (globalThis as unknown as InPage).start(url, token), {
    url: history.url,
    token: tokenFor({ tenant: 'acme', sub: 'u-1' }),
  });
const expectShown = (shown: object) =>
  eventually(async () => expect(JSON.parse((await page.textContent('output')) ?? '')).toMatchObject(shown), {
    timeoutMs: 20_000,
  });

it('components show the state, every event, also those they missed, and gaps', async () => {
  await start();
  await expectShown({ state: 'live', events: [] });
  await history.publish(3);
  await expectShown({ events: [1, 2, 3] });
  history.away();
  await expectShown({ state: 'waiting' });
  await history.publish(3);
  await history.trim(4);
  history.back();
  await expectShown({ state: 'live', events: [1, 2, 3, 5, 6], gaps: ['window'], refusal: null });
});

it('a resource is watched while its component is mounted, and a refusal is shown', async () => {
  history.forbidWatch('2');
  await start();
  await expectShown({ state: 'live', refusal: null });
  await eventually(() => expect(history.watched()).toEqual(['1']));
  await page.evaluate(() => (globalThis as unknown as InPage).show('2'));
  await expectShown({ refusal: 'FORBIDDEN' });
  expect(history.watched()).toEqual([]);
  await page.evaluate(() => (globalThis as unknown as InPage).unmount());
  await eventually(async () =>
    expect(await page.evaluate(() => (globalThis as unknown as InPage).client.state)).toBe('idle'),
  );
});
