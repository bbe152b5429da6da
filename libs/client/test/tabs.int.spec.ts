import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually, tokenFor, uniquePrefix } from '@rejoin/testing';
import { type ClientOptions, createClient, type Gap, type RejoinClient, sharedByTabs } from '../src/index.ts';
import { cursorOf, refusedCommand, ScriptedGateway } from './scripted-gateway.ts';
import { WebLocks } from './web-locks.ts';

interface Tab {
  readonly client: RejoinClient;
  readonly seen: string[];
  readonly gaps: Gap[];
}

let gateway: ScriptedGateway;
let locks: WebLocks;
let name: string;
let clients: RejoinClient[];
const navigatorBefore = Object.getOwnPropertyDescriptor(globalThis, 'navigator');

beforeEach(async () => {
  gateway = await ScriptedGateway.start();
  locks = new WebLocks();
  name = uniquePrefix();
  clients = [];
  Object.defineProperty(globalThis, 'navigator', { value: { locks }, configurable: true });
});
afterEach(async () => {
  for (const client of clients) client.close();
  await gateway.stop();
  if (navigatorBefore) Object.defineProperty(globalThis, 'navigator', navigatorBefore);
  else delete (globalThis as { navigator?: unknown }).navigator;
});

function openTab(owner: string, options: Partial<ClientOptions> = {}): Tab {
  const client = createClient({
    url: gateway.url,
    token: () => tokenFor({ tenant: 'acme', sub: 'u-1' }),
    name,
    connection: sharedByTabs,
    backoff: { minMs: 5, maxMs: 20 },
    saveIntervalMs: 1,
    ...options,
  });
  const tab: Tab = { client, seen: [], gaps: [] };
  client.on('*', ({ id }) => tab.seen.push(id));
  client.onGap((gap) => tab.gaps.push(gap));
  clients.push(client);
  locks.owner = owner;
  client.connect();
  return tab;
}

/** Opens tabs one after the other; the first leads. */
async function openTabs(...owners: readonly string[]): Promise<Tab[]> {
  const tabs: Tab[] = [];
  for (const owner of owners) {
    const tab = openTab(owner);
    if (tabs.length === 0) {
      await gateway.connected(1);
      gateway.ready(cursorOf(1));
    }
    await tab.client.ready();
    tabs.push(tab);
  }
  return tabs;
}

const sawAll = (tabs: readonly Tab[], ids: readonly string[]) =>
  eventually(() => expect(tabs.map(({ seen }) => seen)).toEqual(tabs.map(() => ids)));

/** A tab that is gone: its connection, its channel and its lock with it. */
function kill(owner: string, { client }: Tab): void {
  client.close();
  locks.kill(owner);
}

describe('tabs that share a connection', () => {
  it('have one, and each receives every event', async () => {
    const tabs = await openTabs('one', 'two', 'three');
    gateway.event('a', cursorOf(2));
    gateway.event('b', cursorOf(3));
    await sawAll(tabs, ['a', 'b']);
    expect(gateway.handshakes).toHaveLength(1);
  });

  it('fail over when the leader is gone, from the oldest position, each event once', async () => {
    const [one, two, three] = (await openTabs('one', 'two', 'three')) as [Tab, Tab, Tab];
    gateway.event('a', cursorOf(2));
    await sawAll([one, two, three], ['a']);
    kill('one', one);
    await gateway.connected(2);
    gateway.event('b', cursorOf(3));
    gateway.ready(cursorOf(3), { status: 'complete', count: 1 });
    gateway.event('c', cursorOf(4));
    await sawAll([two, three], ['a', 'b', 'c']);
    expect(gateway.handshakes[1]).toMatchObject({ cursor: cursorOf(2) });
    expect(three.client.state).toBe('live');
  });

  it('do not share with another user of the browser, nor its events', async () => {
    const [one] = (await openTabs('one')) as [Tab];
    const other = openTab('other', { token: () => tokenFor({ tenant: 'acme', sub: 'u-2' }) });
    await gateway.connected(2);
    gateway.ready(cursorOf(1));
    gateway.event('for u-2', cursorOf(2));
    await sawAll([other], ['for u-2']);
    expect(one.seen).toEqual([]);
  });

  it('replay to all what one of them has missed, and hand it to that one alone', async () => {
    const store = new Map<string, string>();
    const [one] = (await openTabs('one')) as [Tab];
    gateway.event('a', cursorOf(2));
    await sawAll([one], ['a']);
    const keeper = { get: () => cursorOf(1), set: (key: string, value: string) => void store.set(key, value) };
    const late = openTab('late', { store: keeper });
    await gateway.connected(2);
    expect(gateway.handshakes[1]).toMatchObject({ cursor: cursorOf(1) });
    gateway.event('a', cursorOf(2));
    gateway.ready(cursorOf(2), { status: 'complete', count: 1 });
    gateway.event('b', cursorOf(3));
    await sawAll([one, late], ['a', 'b']);
    expect(store.size).toBe(0);
  });

  it('tell of a gap the tab that has it', async () => {
    const [one] = (await openTabs('one')) as [Tab];
    gateway.event('a', cursorOf(5));
    await sawAll([one], ['a']);
    const late = openTab('late', { store: { get: () => cursorOf(1), set: () => undefined } });
    await gateway.connected(2);
    gateway.event('a', cursorOf(5));
    const gap = { status: 'gap', count: 1, reason: 'window', from: cursorOf(1), oldest: cursorOf(4) } as const;
    gateway.ready(cursorOf(5), gap);
    await eventually(() => expect(late.gaps).toEqual([gap]));
    gateway.event('b', cursorOf(6));
    await sawAll([one, late], ['a', 'b']);
    expect(one.gaps).toEqual([]);
  });

  it('watch and command through the leader, and keep their watches when it is gone', async () => {
    gateway.answers.set('orders:watch', (payload) => {
      if ((payload as { orderId: string }).orderId === '7') throw refusedCommand('FORBIDDEN');
      return { watching: true };
    });
    gateway.answers.set('sum', (payload) => (payload as { a: number }).a + 1);
    const [one, two] = (await openTabs('one', 'two')) as [Tab, Tab];
    await two.client.watch('order:991');
    await expect(two.client.watch('order:7')).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await one.client.watch('order:1');
    expect(await two.client.call('sum', { a: 1 })).toBe(2);
    kill('one', one);
    await gateway.connected(2);
    expect(gateway.handshakes[1]).toMatchObject({ watch: ['order:991'] });
  });

  it('are told when a sleeping tab’s history was broken meanwhile', async () => {
    const [one] = (await openTabs('one')) as [Tab];
    const late = openTab('late', { store: { get: () => cursorOf(9, 'other'), set: () => undefined } });
    await eventually(() => expect(late.gaps).toMatchObject([{ reason: 'epoch', from: cursorOf(9, 'other') }]));
    gateway.event('a', cursorOf(2));
    await sawAll([one, late], ['a']);
  });

  it('do not wait for one that was closed while it was about to join', async () => {
    let give: (position: undefined) => void = () => undefined;
    const slow = { get: () => new Promise<undefined>((resolve) => (give = resolve)), set: () => undefined };
    const gone = openTab('gone', { store: slow });
    await eventually(() => expect(give.length).toBe(1));
    gone.client.close();
    give(undefined);
    const [one] = (await openTabs('one')) as [Tab];
    gateway.event('a', cursorOf(2));
    await sawAll([one], ['a']);
    expect(gateway.handshakes).toHaveLength(1);
  });

  it('watch what was asked for before they had joined', async () => {
    const [, two] = [await openTabs('one'), openTab('two')];
    await two.client.watch('order:5');
    expect(gateway.commands).toContainEqual({ name: 'orders:watch', payload: { orderId: '5' }, ok: true });
  });

  it('watch a resource until none of them does', async () => {
    const [one, two] = (await openTabs('one', 'two')) as [Tab, Tab];
    const unwatched = () => gateway.commands.filter(({ name }) => name === 'orders:unwatch').length;
    await Promise.all([one.client.watch('order:5'), one.client.watch('order:5'), two.client.watch('order:5')]);
    one.client.unwatch('order:5');
    one.client.unwatch('order:5');
    await two.client.call('anything');
    expect(unwatched()).toBe(0);
    two.client.unwatch('order:5');
    await eventually(() => expect(unwatched()).toBe(1));
  });
});
