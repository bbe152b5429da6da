import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually, tokenFor } from '@rejoin/testing';
import { createClient, type RejoinClient } from '../src/index.ts';
import { ScriptedHistory } from './conformance/scripted-history.ts';
import { cursorOf, ScriptedGateway } from './scripted-gateway.ts';

let gateway: ScriptedGateway;
let client: RejoinClient;
beforeEach(async () => {
  gateway = await ScriptedGateway.start();
  client = createClient({ url: gateway.url, token: () => tokenFor({ tenant: 'acme', sub: 'u-1' }) });
});
afterEach(async () => {
  client.close();
  await gateway.stop();
});

/** Live at position 1. */
async function goLive(): Promise<void> {
  client.connect();
  await gateway.connected(1);
  gateway.ready(cursorOf(1));
  await client.ready();
}

/** Events `e2`, `e3`, … at positions 2, 3, … */
const happen = (from: number, to: number): void => {
  for (let n = from; n <= to; n += 1) gateway.event(`e${n}`, cursorOf(n));
};

const isAt = (n: number) => eventually(() => expect(client.cursor).toBe(cursorOf(n)));

/** A promise that a test settles. */
function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

describe('a for await loop', () => {
  it('hands events in order, each when the work on the one before is done, and only then the position moves', async () => {
    const gates = [gate(), gate(), gate()];
    const log: string[] = [];
    const events = client.events('order.*');
    const loop = (async () => {
      for await (const { id } of events) {
        log.push(`begins ${id}`);
        await gates[log.filter((line) => line.startsWith('begins')).length - 1]?.opened;
        log.push(`ends ${id}`);
        if (id === 'e4') break;
      }
    })();
    await goLive();
    happen(2, 4);
    await eventually(() => expect(log).toEqual(['begins e2']));
    expect(client.cursor).toBe(cursorOf(1));
    gates[0]?.open();
    await eventually(() => expect(log).toEqual(['begins e2', 'ends e2', 'begins e3']));
    await isAt(2);
    gates[1]?.open();
    await isAt(3);
    gates[2]?.open();
    await loop;
    await isAt(4);
    expect(log).toEqual(['begins e2', 'ends e2', 'begins e3', 'ends e3', 'begins e4', 'ends e4']);
  });

  it('holds back other handlers while it works, and they it', async () => {
    const log: string[] = [];
    const slow = gate();
    client.on('*', async ({ id }) => {
      if (id === 'e2') await slow.opened;
      log.push(`handler ${id}`);
    });
    const events = client.events('*');
    const loop = (async () => {
      for await (const { id } of events) {
        log.push(`loop ${id}`);
        if (id === 'e3') return;
      }
    })();
    await goLive();
    happen(2, 3);
    await eventually(() => gateway.sockets.length === 1);
    expect(log).toEqual([]);
    slow.open();
    await loop;
    expect(log).toEqual(['handler e2', 'loop e2', 'handler e3', 'loop e3']);
  });

  it('receives what came before it began, since events() was called', async () => {
    const events = client.events('order.paid');
    await goLive();
    gateway.event('other', cursorOf(2), 'invoice.sent');
    happen(3, 4);
    await isAt(2);
    const seen: string[] = [];
    for await (const { id } of events) {
      seen.push(id);
      if (seen.length === 2) break;
    }
    expect(seen).toEqual(['e3', 'e4']);
  });

  it('lets the client go on after break, return and throw', async () => {
    await goLive();
    const loops: ((id: string) => boolean)[] = [
      () => true,
      (id) => {
        throw new Error(`cannot do ${id}`);
      },
    ];
    let next = 2;
    for (const leave of loops) {
      const events = client.events('*');
      const loop = (async () => {
        for await (const { id } of events) if (leave(id)) break;
      })();
      happen(next, next + 1);
      await loop.catch((error: unknown) => expect(error).toMatchObject({ message: `cannot do e${next}` }));
      await isAt(next + 1);
      expect(await events.next()).toEqual({ done: true, value: undefined });
      next += 2;
    }
  });

  it('that is given up before it began holds nobody up', async () => {
    const events = client.events('*');
    await goLive();
    happen(2, 3);
    await eventually(() => expect(gateway.sockets).toHaveLength(1));
    await events.return?.();
    await isAt(3);
  });

  it('ends when the client is closed, and what it has not taken is not handled', async () => {
    const taken = gate();
    const events = client.events('*');
    const untaken = client.events('*');
    const loop = (async () => {
      for await (const _event of events) taken.open();
    })();
    await goLive();
    happen(2, 2);
    await taken.opened;
    client.close();
    await loop;
    expect(await untaken.next()).toEqual({ done: true, value: undefined });
    expect(client.cursor).toBe(cursorOf(1));
  });

  it('gives the connection up rather than pile up what it does not take, and then loses nothing', async () => {
    const history = await ScriptedHistory.start();
    const patient = createClient({
      url: history.url,
      token: () => tokenFor({ tenant: 'acme', sub: 'u-1' }),
      maxWaiting: 5,
    });
    try {
      const events = patient.events('*');
      await patient.connect().ready();
      await history.publish(40);
      await eventually(() => expect(patient.cause?.code).toBe('BACKLOG_FULL'));
      const seen: string[] = [];
      for await (const { id } of events) {
        seen.push(id);
        if (id === 'e40') break;
      }
      expect(seen).toEqual(Array.from({ length: 40 }, (_, i) => `e${i + 1}`));
    } finally {
      patient.close();
      await history.stop();
    }
  });
});
