import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { refusal } from '@rejoin/protocol';
import { eventually, TcpProxy, tokenFor } from '@rejoin/testing';
import { type ClientOptions, createClient, type RejoinClient } from '../src/index.ts';
import { cursorOf, ScriptedGateway } from './scripted-gateway.ts';

const HOUR_MS = 3_600_000;

let gateway: ScriptedGateway;
let client: RejoinClient;
let page: EventTarget;
let visibility: { visibilityState: 'visible' | 'hidden' };
const scope = globalThis as { window?: unknown; document?: unknown };
beforeEach(async () => {
  gateway = await ScriptedGateway.start();
  page = new EventTarget();
  visibility = { visibilityState: 'visible' };
  Object.assign(scope, { window: page, document: visibility });
});
afterEach(async () => {
  client.close();
  delete scope.window;
  delete scope.document;
  await gateway.stop();
});

/** A client that by itself does nothing for hours. */
async function open(options: Partial<ClientOptions> = {}): Promise<void> {
  client = createClient({
    url: gateway.url,
    token: () => tokenFor({ tenant: 'acme', sub: 'u-1' }),
    backoff: { minMs: 100 * HOUR_MS, maxMs: 100 * HOUR_MS },
    saveIntervalMs: HOUR_MS,
    ...options,
  }).connect();
  await gateway.connected(1);
  gateway.ready(cursorOf(1));
  await client.ready();
}

function say(type: string, state: 'visible' | 'hidden' = visibility.visibilityState): void {
  visibility.visibilityState = state;
  page.dispatchEvent(new Event(type));
}

async function expectWaiting(): Promise<void> {
  await eventually(() => expect(client.state).toBe('waiting'));
}

describe('a client hears from its page', () => {
  it.each([
    ['the network is back', 'online', 'visible'],
    ['the network is back while the page is hidden', 'online', 'hidden'],
    ['the page is shown again', 'visibilitychange', 'visible'],
    ['the page is taken back by its reader', 'pageshow', 'visible'],
  ] as const)('that %s, and connects at once', async (_what, type, state) => {
    await open();
    gateway.cut();
    await expectWaiting();
    say(type, state);
    await gateway.connected(2);
    expect(gateway.handshakes[1]).toMatchObject({ cursor: cursorOf(1) });
  });

  it.each([
    ['may be gone in a moment', 'pagehide', 'visible'],
    ['is hidden', 'visibilitychange', 'hidden'],
  ] as const)('that it %s, and writes its position at once', async (_what, type, state) => {
    const kept = new Map<string, string>();
    await open({ store: kept });
    gateway.event('a', cursorOf(2));
    await eventually(() => expect(client.cursor).toBe(cursorOf(2)));
    expect([...kept.values()]).toEqual([]);
    say(type, state);
    expect([...kept.values()]).toEqual([cursorOf(2)]);
    expect(client.state).toBe('live');
  });

  it('nothing that shortens a wait which the gateway asked for', async () => {
    await open();
    gateway.refusals.push(refusal('RATE_LIMITED', HOUR_MS));
    gateway.cut();
    await expectWaiting();
    say('online');
    await eventually(() => expect(client.cause?.code).toBe('RATE_LIMITED'));
    say('online');
    say('visibilitychange');
    expect(client.state).toBe('waiting');
    expect(gateway.handshakes).toHaveLength(2);
  });

  it('nothing any more once it is closed', async () => {
    await open();
    client.close();
    say('online');
    say('pagehide');
    expect(client.state).toBe('closed');
    expect(gateway.sockets).toHaveLength(1);
  });

  it('that it was away, and keeps a connection that proves to be alive', async () => {
    await open();
    say('visibilitychange');
    await eventually(() => expect(gateway.commands.map(({ name }) => name)).toContain('rejoin:probe'));
    gateway.event('a', cursorOf(2));
    await eventually(() => expect(client.cursor).toBe(cursorOf(2)));
    expect(gateway.sockets).toHaveLength(1);
  });

  it('that it was away, and replaces a connection that is dead without having said so', async () => {
    const way = await TcpProxy.start(gateway.url);
    try {
      await open({ url: way.url, backoff: { minMs: 1, maxMs: 1 } });
      way.blackHole();
      say('visibilitychange');
      // Socket.IO itself would need 45 s.
      await eventually(() => expect(gateway.handshakes).toHaveLength(2), { timeoutMs: 25_000 });
      expect(gateway.handshakes[1]).toMatchObject({ cursor: cursorOf(1) });
      gateway.ready(cursorOf(1));
      await client.ready();
      expect(gateway.commands).toEqual([]);
    } finally {
      client.close();
      await way.stop();
    }
  }, 40_000);
});
