import { EventEmitter } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { type EntryId, formatCursor } from '@rejoin/protocol';
import type { Socket } from 'socket.io';
import { Connection, type Delivery } from '../src/connection.ts';
import { newDeliveryCounters } from '../src/gateway-listener.ts';
import { EncodedPacket } from '../src/packet.ts';

/** A connection over a transport that only keeps what is written to it. */
function connected(bounds: { maxQueuedEntries?: number } = {}) {
  const written: string[] = [];
  const conn = Object.assign(new EventEmitter(), {
    readyState: 'open',
    writeBuffer: [],
    transport: { name: 'websocket', writable: true },
    write: (text: string) => written.push((JSON.parse(text.slice(1)) as [string, { id: string }])[1].id),
    close: () => undefined,
  });
  const emitted: [string, ...unknown[]][] = [];
  const socket = { conn, emit: (...args: [string, ...unknown[]]) => emitted.push(args) } as unknown as Socket;
  const connection = new Connection(
    {
      socket,
      principal: { tenantId: 'acme', userId: 'u1', roles: [], scopes: [], expiresAtMs: Date.now() + 3_600_000 },
      partition: 0,
      epoch: 'e',
      wants: () => true,
    },
    '0-0',
    {
      bounds: { maxBufferedBytes: 1e6, maxQueuedBytes: 1e6, maxQueuedEntries: 100, ...bounds },
      counters: newDeliveryCounters(),
      onSlow: () => undefined,
    },
  );
  connection.rooms.set('acme:tenant', '0-0');
  return { connection, written, emitted };
}

function live(seq: number, rooms = ['acme:tenant']): Delivery {
  const entryId = `1-${seq}`;
  const packet = new EncodedPacket('order.paid', JSON.stringify({ id: entryId }), `e.0.${entryId}`);
  return { entryId, type: 'order.paid', rooms, bytes: 10, packet: () => packet };
}
const cursor = (entryId: EntryId): string => formatCursor({ epoch: 'e', partition: 0, entryId });
const missed = (seq: number) => [`1-${seq}`, 'order.paid', live(seq).packet] as const;
const complete = (count: number) => ({ status: 'complete', count }) as const;

describe('a connection that is being replayed to', () => {
  it('holds live entries back until the replay ends, then writes them behind it, each once', () => {
    const { connection, written, emitted } = connected();
    connection.deliver(live(3));
    connection.replay(...missed(1));
    connection.deliver(live(4));
    connection.replay(...missed(3));
    expect(written).toEqual(['1-1', '1-3']);
    expect(connection.goLive(complete)).toBe(true);
    expect(written).toEqual(['1-1', '1-3', '1-4']);
    expect(emitted).toEqual([
      ['rejoin:ready', { replay: { status: 'complete', count: 3 }, watching: [] }, cursor('1-4')],
    ]);
    connection.onClosed();
  });

  it('goes on replaying where more came live than may wait', () => {
    const { connection, written } = connected({ maxQueuedEntries: 2 });
    for (const seq of [2, 3, 4]) connection.deliver(live(seq));
    connection.replay(...missed(1));
    expect(connection.goLive(complete)).toBe(false);
    expect(connection.state).toBe('replaying');
    for (const seq of [2, 3, 4]) connection.replay(...missed(seq));
    connection.deliver(live(5));
    expect(connection.goLive(complete)).toBe(true);
    expect(written).toEqual(['1-1', '1-2', '1-3', '1-4', '1-5']);
    connection.onClosed();
  });

  it('is not handed what waited for a room that it has no more', () => {
    const { connection, written } = connected();
    connection.deliver(live(1));
    connection.deliver(live(2, ['acme:other']));
    connection.goLive(complete);
    expect(written).toEqual(['1-1']);
    connection.onClosed();
  });
});

describe('a live connection', () => {
  it('is handed no entry that is not beyond its cursor', () => {
    const { connection, written } = connected();
    connection.goLive(complete);
    for (const seq of [1, 2, 2, 1, 3]) connection.deliver(live(seq));
    expect(written).toEqual(['1-1', '1-2', '1-3']);
    expect(connection.cursor).toBe('1-3');
    connection.onClosed();
    connection.deliver(live(4));
    expect(written).toHaveLength(3);
  });
});
