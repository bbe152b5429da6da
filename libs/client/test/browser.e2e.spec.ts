import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type Browser, type BrowserContext, eventually, launchBrowser, type Page, tokenFor } from '@rejoin/testing';
import type * as Client from '../src/index.ts';
import { RealGateways } from './conformance/real-gateways.ts';
import { type PageServer, servePage } from './page-server.ts';

jest.setTimeout(90_000);

interface InPage {
  Rejoin: typeof Client;
  client: Client.RejoinClient;
  seen: number[];
}

let browser: Browser;
let server: PageServer;
let gateways: RealGateways;
let context: BrowserContext;
beforeAll(async () => {
  browser = await launchBrowser();
  server = await servePage({ entryPoints: ['libs/client/src/index.ts'], globalName: 'Rejoin' });
});
afterAll(async () => {
  await browser.close();
  await server.stop();
});
beforeEach(async () => {
  gateways = await RealGateways.start();
  context = await browser.newContext();
});
afterEach(async () => {
  await context.close();
  await gateways.stop();
});

type StoreName = 'memoryStore' | 'localStorageStore' | 'indexedDbStore';

/** A page in this browser with a client that is live. */
async function open(
  store: StoreName,
  { shared = false, user = 'u-1', page }: { shared?: boolean; user?: string; page?: Page } = {},
) {
  const opened = page ?? (await context.newPage());
  await opened.goto(server.url);
  const token = tokenFor({ tenant: 'acme', sub: user });
  await opened.evaluate(
    async (options) => {
      const scope = globalThis as unknown as InPage;
      const { createClient, sharedByTabs } = scope.Rejoin;
      scope.seen = [];
      scope.client = createClient({
        url: options.url,
        token: () => options.token,
        store: scope.Rejoin[options.store](),
        backoff: { minMs: 20, maxMs: 200 },
        ...(options.shared ? { connection: sharedByTabs } : {}),
      });
      scope.client.on('*', ({ data }) => scope.seen.push((data as { number: number }).number));
      await scope.client.connect().ready();
    },
    { url: gateways.url, token, store, shared },
  );
  return opened;
}

const openTab = () => open('localStorageStore', { shared: true });

/** As when the browser kills a tab's process: it has no last word. */
async function crash(page: Page): Promise<void> {
  const session = await context.newCDPSession(page);
  // It is answered by nobody.
  await Promise.race([session.send('Page.crash').catch(() => undefined), page.waitForEvent('crash')]);
}

/** Nothing runs in the page any more, and it keeps its lock. @returns lets it go on */
async function freeze(page: Page): Promise<() => Promise<unknown>> {
  const session = await context.newCDPSession(page);
  await session.send('Debugger.enable');
  const paused = new Promise<unknown>((resolve) => session.once('Debugger.paused', resolve));
  const evaluated = session.send('Runtime.evaluate', { expression: 'debugger' });
  await paused;
  return async () => {
    await session.send('Debugger.resume');
    await evaluated;
  };
}

const seenBy = (page: Page) => page.evaluate(() => (globalThis as unknown as InPage).seen);
const stateOf = (page: Page) => page.evaluate(() => (globalThis as unknown as InPage).client.state);
const expectSeen = (page: Page, events: readonly number[]) =>
  eventually(async () => expect(await seenBy(page)).toEqual(events), { timeoutMs: 20_000 });

/** The one position that IndexedDB holds. */
const inDatabase = (page: Page) =>
  page.evaluate(
    () =>
      new Promise<unknown>((resolve, reject) => {
        const opening = indexedDB.open('rejoin');
        opening.onerror = () => reject(new Error('cannot be opened', { cause: opening.error }));
        opening.onsuccess = () => {
          const reading = opening.result.transaction('cursors').objectStore('cursors').getAll();
          reading.onerror = () => reject(new Error('cannot be read', { cause: reading.error }));
          reading.onsuccess = () => {
            opening.result.close();
            resolve(reading.result[0]);
          };
        };
      }),
  );

describe('in a browser', () => {
  it.each(['localStorageStore', 'indexedDbStore'] as const)('a reloaded page resumes from its %s', async (store) => {
    const page = await open(store);
    await gateways.publish(2);
    await expectSeen(page, [1, 2]);
    const kept = () => page.evaluate(() => (globalThis as unknown as InPage).client.cursor);
    expect(await kept()).toBe(gateways.cursorOf(2));
    // Leaving the page writes what was not written yet; IndexedDB may not come to it.
    if (store === 'indexedDbStore')
      await eventually(async () => expect(await inDatabase(page)).toBe(gateways.cursorOf(2)));
    await page.goto('about:blank');
    await gateways.publish(3);
    await open(store, { page });
    await expectSeen(page, [3, 4, 5]);
  });

  it('another user begins with the present', async () => {
    const page = await open('localStorageStore');
    await gateways.publish(2);
    await expectSeen(page, [1, 2]);
    await page.goto('about:blank');
    await gateways.publish(1);
    await open('localStorageStore', { page, user: 'u-2' });
    await gateways.publish(1);
    await expectSeen(page, [4]);
  });

  it('a page without a network waits, and resumes when the network is back', async () => {
    const page = await open('memoryStore');
    await gateways.publish(1);
    await expectSeen(page, [1]);
    await context.setOffline(true);
    gateways.away();
    await eventually(async () => expect(await stateOf(page)).not.toBe('live'));
    await gateways.publish(2);
    gateways.back();
    await context.setOffline(false);
    await expectSeen(page, [1, 2, 3]);
  });

  it.each<[string, (leader: Page) => Promise<unknown>]>([
    ['is closed', (leader) => leader.close()],
    ['crashes', crash],
    ['goes elsewhere', (leader) => leader.goto('about:blank')],
    ['is reloaded', (leader) => leader.reload()],
    ['signs off', (leader) => leader.evaluate(() => (globalThis as unknown as InPage).client.close())],
  ])('tabs share one connection, and another takes over when the leader %s', async (_what, end) => {
    const [one, two, three] = [await openTab(), await openTab(), await openTab()];
    await gateways.publish(2);
    for (const page of [one, two, three]) await expectSeen(page, [1, 2]);
    expect(gateways.connections).toBe(1);
    await end(one);
    await gateways.publish(2);
    for (const page of [two, three]) await expectSeen(page, [1, 2, 3, 4]);
    await eventually(() => expect(gateways.connections).toBe(1));
    await gateways.publish(1);
    for (const page of [two, three]) await expectSeen(page, [1, 2, 3, 4, 5]);
  });

  it('a frozen leader loses the lead when a tab asks for it, and follows when it thaws', async () => {
    const [one, two] = [await openTab(), await openTab()];
    await gateways.publish(2);
    for (const page of [one, two]) await expectSeen(page, [1, 2]);
    const thaw = await freeze(one);
    await gateways.publish(2);
    // As when the tab is shown again.
    await two.evaluate(() => void dispatchEvent(new Event('pageshow')));
    await expectSeen(two, [1, 2, 3, 4]);
    await thaw();
    await gateways.publish(1);
    for (const page of [one, two]) await expectSeen(page, [1, 2, 3, 4, 5]);
    await eventually(() => expect(gateways.connections).toBe(1));
  });

  it('the last tab resumes where the leader before it stopped', async () => {
    const one = await open('localStorageStore', { shared: true });
    await gateways.publish(2);
    await expectSeen(one, [1, 2]);
    await one.close();
    await gateways.publish(2);
    const two = await open('localStorageStore', { shared: true });
    await expectSeen(two, [3, 4]);
  });
});
