import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { partitionOf } from '@rejoin/protocol';
import { deadLetterRecord, writeDeadLetter } from '@rejoin/streams';
import {
  accessibilityFindings,
  type Browser,
  type BrowserContext,
  ChildApp,
  eventually,
  launchBrowser,
  type Page,
  TEST_JWT_SECRET,
  testRedis,
  tokenFor,
} from '@rejoin/testing';
import { io, type Socket } from 'socket.io-client';
import { OPERATOR, OperationsFixture, READER } from './operations-fixture.ts';
import { SERVICE } from './running-ops.ts';

// A browser on a busy machine takes its time; nothing here measures it.
jest.setTimeout(120_000);
const PATIENT = { timeoutMs: 20_000 } as const;

let fixture: OperationsFixture;
let gateway: ChildApp;
let browser: Browser;
let context: BrowserContext;
let page: Page;
/** What the page complained of: broken policies, failed scripts. */
let complaints: string[];
let made = 0;

/** Puts a dead letter where a worker would. */
async function bury(tenant: string, type: string): Promise<void> {
  made += 1;
  const failedAtMs = Date.now() - 60_000 + made;
  const entryId = `${failedAtMs}-0` as const;
  const parsed = { specversion: '1.0', id: `d-${made}`, source: '/o', type, tenantid: tenant, data: { secret: 'x' } };
  const record = deadLetterRecord({
    entryId,
    event: JSON.stringify(parsed),
    parsed,
    code: 'NO_AUDIENCE_RULE',
    message: `no rule for "${type}"`,
    failedAtMs,
  });
  const pipeline = fixture.client.pipeline();
  writeDeadLetter(pipeline, fixture.keys.partition(partitionOf(tenant, 8)), { entryId, record, failedAtMs });
  await pipeline.exec();
}

const open = (path: string) => page.goto(`${fixture.ops.url}${path}`);
const audit = async (action: string) => (await fixture.get(`/v1/audit?action=${action}`)).body.items;

/** A stock client of the gateway, once it is ready. */
async function connectAs(user: string): Promise<Socket> {
  const socket = io(gateway.url, {
    auth: { token: tokenFor({ sub: user, tenant: 'acme' }) },
    transports: ['websocket'],
    reconnection: false,
    forceNew: true,
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('rejoin:ready', () => resolve());
    socket.once('connect_error', (error) => {
      socket.disconnect();
      reject(error);
    });
    // It may be let in and told to go before it is ready.
    socket.once('disconnect', (reason) => reject(new Error(reason)));
  });
  return socket;
}

const button = (name: string | RegExp) => page.getByRole('button', { name });
const dialog = () => page.getByRole('dialog');

async function signIn(token: string, path = '/'): Promise<void> {
  await open(`${path}#token=${token}`);
  await page.locator('#content h1').waitFor();
}

beforeAll(async () => {
  execFileSync(process.execPath, ['scripts/bundle-console.mjs'], { cwd: new URL('../../../', import.meta.url) });
  [fixture, browser] = await Promise.all([OperationsFixture.start(), launchBrowser()]);
  fixture.startTasks();
  gateway = await ChildApp.start({
    app: 'gateway',
    env: {
      REDIS_URL: testRedis(),
      REJOIN_PREFIX: fixture.ops.prefix,
      JWT_SECRET: TEST_JWT_SECRET,
      PORT: '0',
      // No worker is here to bring them back.
      CANARY: '0s',
    },
    readyTimeoutMs: 60_000,
  });
  for (let i = 0; i < 4; i++) await bury('acme', 'odd.thing');
  for (let i = 0; i < 2; i++) await bury('bolt', 'odder.thing');
  const event = { specversion: '1.0', source: '/orders', type: 'order.paid', tenantid: 'acme', subject: '991' };
  await fixture.post('/v1/events', [{ ...event, id: 'seen-1', data: { customerId: 'u-1', total: 42 } }], SERVICE);
});

afterAll(async () => {
  await browser?.close();
  await gateway?.stop();
  await fixture?.stop();
});

beforeEach(async () => {
  await context?.close();
  context = await browser.newContext({ viewport: { width: 1_280, height: 900 } });
  page = await context.newPage();
  complaints = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.text().includes('Content Security Policy')) complaints.push(message.text());
  });
});

describe('the console in a browser', () => {
  it('asks for a token, says why one is refused, and keeps a good one out of the address', async () => {
    await open('/');
    await page
      .getByLabel('Token')
      .fill(tokenFor({ sub: 'u', scope: 'ops:read', secret: 'another secret, as long as it must be' }));
    await button('Sign in').click();
    await page.getByRole('alert').waitFor();
    await page.getByLabel('Token').fill(READER);
    await button('Sign in').click();
    await page.getByText('rita').waitFor();
    await signIn(OPERATOR, '/partitions');
    expect(page.url()).toBe(`${fixture.ops.url}/partitions`);
    await button('Sign out').click();
    await page.getByLabel('Token').waitFor();
    expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
  });

  it('has every page usable for everybody, in light and dark, and breaks no policy', async () => {
    await signIn(OPERATOR);
    const paths = await page
      .getByRole('navigation', { name: 'Pages' })
      .getByRole('link')
      .evaluateAll((links) => links.map((link) => link.getAttribute('href') as string));
    expect(paths).toHaveLength(12);
    const views = ['/partitions/0', '/partitions?view=owners', '/dead-letters?view=letters', '/groups?tenant=acme'];
    for (const path of [...paths, ...views]) {
      await page.emulateMedia({ colorScheme: path.length % 2 === 0 ? 'dark' : 'light' });
      await open(path);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await eventually(async () => (await page.locator('.loading').count()) === 0);
      expect({ path, findings: await accessibilityFindings(page) }).toEqual({ path, findings: [] });
    }
    expect(complaints).toEqual([]);
  });

  it('is pushed what changes, and goes anywhere by keyboard', async () => {
    await signIn(OPERATOR);
    await page.getByText('Live', { exact: true }).waitFor();
    await page.keyboard.press('g');
    await page.keyboard.press('p');
    await page.getByRole('heading', { name: 'Partitions' }).waitFor();
    expect(page.url()).toBe(`${fixture.ops.url}/partitions`);
    for (const [key, name] of Object.entries({ b: 'Blocks', m: 'Groups' })) {
      await page.keyboard.press('g');
      await page.keyboard.press(key);
      await page.getByRole('heading', { name, level: 1 }).waitFor();
    }
    await page.keyboard.press('?');
    await dialog().getByText('This list').waitFor();
    await page.keyboard.press('Escape');
    await dialog().waitFor({ state: 'detached' });
  });

  it('pauses a partition until a time, says so on every page, and resumes it', async () => {
    await signIn(OPERATOR, '/partitions/2');
    await button('Pause …').click();
    await dialog().getByLabel('For').fill('10m');
    expect(await dialog().getByRole('button', { name: 'Pause' }).isDisabled()).toBe(true);
    await dialog().getByLabel('Reason').fill('incident 7');
    await dialog().getByRole('button', { name: 'Pause' }).click();
    await dialog().getByText('is paused').waitFor();
    await dialog().getByRole('button', { name: 'Close' }).last().click();
    await open('/coverage');
    await page.getByText('incident 7').waitFor();
    await open('/partitions/2');
    await button('Resume …').click();
    await dialog().getByLabel('Reason').fill('over');
    await dialog().getByRole('button', { name: 'Resume' }).click();
    await dialog().getByText('is delivered again').waitFor();
    expect((await audit('partition.pause'))[0]).toMatchObject({ by: 'olga', reason: 'incident 7' });
    expect((await audit('partition.resume'))[0]).toMatchObject({ by: 'olga', reason: 'over' });
  });

  it('redrives what a plan counted, once the count is typed, and shows how far it is', async () => {
    await signIn(OPERATOR, '/dead-letters?tenant=acme');
    await button('Redrive all that match …').click();
    await dialog().getByText('4 dead letters').waitFor();
    await dialog().getByRole('cell', { name: 'odd.thing' }).waitFor();
    await dialog().getByLabel('Reason').fill('rule mended');
    await dialog().getByLabel('Type 4 to confirm').fill('3');
    const start = dialog().getByRole('button', { name: 'Redrive' });
    expect(await start.isDisabled()).toBe(true);
    await dialog().getByLabel('Type 4 to confirm').fill('4');
    await start.click();
    await dialog().getByText('4 redriven').waitFor();
    expect((await fixture.get('/v1/dead-letters?tenant=acme')).body.items).toEqual([]);
  });

  it('stops a redrive that is under way, for a reason, and leaves the rest where it is', async () => {
    for (let i = 0; i < 40; i++) await bury('slow', 'slow.thing');
    await signIn(OPERATOR, '/dead-letters?tenant=slow');
    await button('Redrive all that match …').click();
    await dialog().getByText('40 dead letters').waitFor();
    await dialog().getByLabel('At most, per second').fill('1');
    await dialog().getByLabel('Reason').fill('rule mended');
    await dialog().getByLabel('Type 40 to confirm').fill('40');
    await dialog().getByRole('button', { name: 'Redrive' }).click();
    await dialog().getByText('redriven').waitFor();
    await dialog().getByRole('button', { name: 'Stop …' }).click();
    const asking = page.getByRole('dialog', { name: 'Stop the redrive' });
    expect(await asking.getByRole('button', { name: 'Stop', exact: true }).isDisabled()).toBe(true);
    await asking.getByLabel('Reason').fill('the rule is wrong');
    await page.keyboard.press('Enter');
    await dialog().getByText('cancelled').first().waitFor();
    expect((await audit('dead-letters.cancel'))[0]).toMatchObject({ by: 'olga', reason: 'the rule is wrong' });
    const [task] = (await fixture.get('/v1/dead-letters/tasks')).body.items;
    expect(task).toMatchObject({ state: 'cancelled', total: 40 });
    expect(task.handled).toBeLessThan(40);
    const { matched } = (await fixture.get('/v1/dead-letters/groups?tenant=slow')).body;
    expect(matched).toBe(40 - task.outcomes.redriven);
  });

  it('discards one that was looked at, and shows its payload only when asked', async () => {
    await signIn(OPERATOR, '/dead-letters?view=letters&tenant=bolt');
    await button('d-5').first().click();
    await button('Show the payload …').click();
    const asking = page.getByRole('dialog', { name: 'Show the payload' });
    expect(await asking.getByRole('button', { name: 'Show', exact: true }).isDisabled()).toBe(true);
    await asking.getByLabel('Reason').fill('ticket 12');
    await page.keyboard.press('Enter');
    await dialog().getByText('"secret": "x"').waitFor();
    expect((await audit('payload.show'))[0]).toMatchObject({ by: 'olga', reason: 'ticket 12' });
    await dialog().getByRole('button', { name: 'Discard …' }).click();
    const form = dialog().filter({ has: page.getByLabel('Reason') });
    await form.getByLabel('Reason').fill('a test');
    await form.getByLabel('Type 1 to confirm').fill('1');
    await form.getByRole('button', { name: 'Discard', exact: true }).click();
    await page.getByText('1 discarded').first().waitFor();
    expect((await fixture.get('/v1/dead-letters?tenant=bolt')).body.items).toHaveLength(1);
  });

  it('finds an event by a filter that stands in the address, masked until asked, and traces it', async () => {
    await signIn(OPERATOR, '/events');
    await page.getByLabel('Tenant').fill('acme');
    await page.getByRole('link', { name: 'seen-1' }).waitFor();
    await eventually(() => page.url().includes('tenant=acme'));
    await button('Show payloads …').click();
    await dialog().getByLabel('Reason').fill('ticket 13');
    await dialog().getByRole('button', { name: 'Show', exact: true }).click();
    await page.getByText('"total":42').waitFor();
    expect((await audit('payload.show'))[0]).toMatchObject({ by: 'olga', reason: 'ticket 13' });
    await button('Mask payloads').click();
    await page.getByText('"total":42').waitFor({ state: 'detached' });
    await page.getByRole('link', { name: 'seen-1' }).click();
    await page.getByRole('heading', { name: 'Trace' }).waitFor();
    await page.getByText('Published', { exact: true }).waitFor();
    await page.getByLabel('Why (not) user').fill('u-2');
    await button('Trace').click();
    await page.getByRole('region', { name: 'Verdict' }).getByText('u-2').first().waitFor();
    expect(page.url()).toContain('user=u-2');
  });

  it('disconnects whom a preview named, with a reason', async () => {
    await signIn(OPERATOR, '/connections?tenant=acme&user=u-1');
    await button('Disconnect u-1 …').click();
    await dialog().getByText('0 connections').waitFor();
    await dialog().getByLabel('Block').selectOption({ label: 'For 5 minutes' });
    await dialog().getByLabel('Reason').fill('stolen token');
    await dialog().getByRole('button', { name: 'Disconnect and block' }).click();
    await dialog().getByText('cannot come back before').waitFor();
    expect(await audit('connections.block')).toMatchObject([{ by: 'olga', reason: 'stolen token' }]);
  });

  it('ends a live connection, and shows that it is gone', async () => {
    const socket = await connectAs('u-7');
    const closing = new Promise((resolve) => socket.once('rejoin:closing', resolve));
    const gone = new Promise((resolve) => socket.once('disconnect', resolve));
    await signIn(OPERATOR, '/connections?tenant=acme&user=u-7');
    await page.getByRole('row', { name: /u-7/ }).getByRole('button', { name: 'Disconnect …' }).click();
    await dialog().getByText('1 connection', { exact: true }).waitFor();
    await dialog().getByLabel('Reason').fill('a test of it');
    await dialog().getByRole('button', { name: 'Disconnect', exact: true }).click();
    await dialog().getByText('1 connection told to go').waitFor();
    expect(await closing).toMatchObject({ retryable: true });
    await gone;
    await dialog().getByRole('button', { name: 'Close' }).last().click();
    await page.getByText('Nobody is connected that matches').waitFor();
    expect((await audit('connections.disconnect'))[0]).toMatchObject({ by: 'olga', count: 1, reason: 'a test of it' });
  });

  it('keeps a user out, lists the block, and lifts it', async () => {
    await signIn(OPERATOR, '/blocks?tenant=acme&user=u-8');
    await page.getByText('Nobody is kept out').waitFor();
    await button('Block …').click();
    await dialog().getByText('0 connections').waitFor();
    expect(await dialog().getByLabel('User').inputValue()).toBe('u-8');
    await dialog().getByLabel('For').selectOption({ label: 'A day' });
    await dialog().getByLabel('Reason').fill('abuse');
    await page.keyboard.press('Enter');
    await dialog().getByText('cannot come back').waitFor();
    await dialog().getByRole('button', { name: 'Close' }).last().click();
    const row = page.getByRole('row', { name: /u-8/ });
    await row.waitFor();
    expect(await accessibilityFindings(page)).toEqual([]);
    // The gateway hears of a block, and of its end, a moment later.
    await eventually(() => expect(connectAs('u-8')).rejects.toMatchObject({ data: { code: 'AUTH_REVOKED' } }), PATIENT);
    await row.getByRole('button', { name: 'Lift …' }).click();
    await dialog().getByLabel('Reason').fill('a mistake');
    await dialog().getByRole('button', { name: 'Lift the block' }).click();
    await dialog().getByText('may connect again').waitFor();
    await dialog().getByRole('button', { name: 'Close' }).last().click();
    await page.getByText('Nobody is kept out').waitFor();
    expect((await audit('connections.unblock'))[0]).toMatchObject({ by: 'olga', reason: 'a mistake' });
    (await eventually(() => connectAs('u-8'), PATIENT)).disconnect();
  });

  it('puts users into a group and takes one out, with a plan before each', async () => {
    await signIn(OPERATOR, '/groups');
    await page.getByText('Whose groups?').waitFor();
    await page.getByLabel('Tenant').fill('acme');
    await page.getByText('acme has no groups').waitFor();
    await button('Add to a group …').click();
    await dialog().getByLabel('Group').fill('night');
    await dialog().getByLabel('Users').fill('u-1, u-2,u-1');
    await dialog().getByText('2 users', { exact: true }).waitFor();
    await dialog().getByLabel('Reason').fill('rota');
    await dialog().getByRole('button', { name: 'Add', exact: true }).click();
    await dialog().getByText('night has 2 members now').waitFor();
    await dialog().getByRole('button', { name: 'Close' }).last().click();
    await button('night').click();
    await dialog().getByText('of 2 members').waitFor();
    expect(page.url()).toContain('group=night');
    expect(await accessibilityFindings(page)).toEqual([]);
    await dialog().getByRole('row', { name: /u-2/ }).getByRole('button', { name: 'Remove …' }).click();
    const asking = page.getByRole('dialog', { name: 'Remove from night' });
    await asking.getByText('1 user', { exact: true }).waitFor();
    await asking.getByLabel('Reason').fill('left');
    await page.keyboard.press('Enter');
    await asking.getByText('night has 1 member now').waitFor();
    await asking.getByRole('button', { name: 'Close' }).last().click();
    await dialog().getByText('of 1 member', { exact: false }).waitFor();
    expect((await audit('group.change'))[0]).toMatchObject({ by: 'olga', count: 1, reason: 'left' });
    expect((await fixture.get('/v1/groups/members?tenant=acme&group=night')).body.items).toEqual([{ user: 'u-1' }]);
  });

  it('shows the actions to who may only look, and keeps them from them', async () => {
    await signIn(READER, '/dead-letters');
    expect(await button('Redrive all …').isDisabled()).toBe(true);
    await open('/partitions/1');
    await button('Pause …').waitFor();
    expect(await button('Pause …').isDisabled()).toBe(true);
  });

  it('fits a phone: nothing but tables scrolls sideways, and the menu opens', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await signIn(OPERATOR);
    for (const path of ['/', '/partitions', '/dead-letters', '/events', '/settings']) {
      await open(path);
      await page.getByRole('heading', { level: 1 }).waitFor();
      expect({ path, over: await page.evaluate(() => document.documentElement.scrollWidth - innerWidth) }).toEqual({
        path,
        over: 0,
      });
    }
    await button('Open the menu').click();
    await page.getByRole('link', { name: 'Audit' }).click();
    await page.getByRole('heading', { name: 'Audit' }).waitFor();
  });
});
