import { EventEmitter } from 'node:events';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { formatCursor } from '@rejoin/protocol';
import { EventRecorder, type RecordableSocket } from '../src/index.ts';

class FakeSocket extends EventEmitter implements RecordableSocket {
  onAny(listener: (name: string, ...args: unknown[]) => void): void {
    this.on('any', listener);
  }
  offAny(listener: (name: string, ...args: unknown[]) => void): void {
    this.off('any', listener);
  }
  receive(name: string, ...args: unknown[]): void {
    this.emit('any', name, ...args);
  }
}

const cursor = (sequence: number): string => formatCursor({ epoch: 'e', partition: 0, entryId: `1-${sequence}` });

let socket: FakeSocket;
let recorder: EventRecorder;

const deliver = (id: string, sequence: number): void => socket.receive('order.placed', { id }, cursor(sequence));

beforeEach(() => {
  socket = new FakeSocket();
  recorder = new EventRecorder(socket);
});

describe('a recorder', () => {
  it('keeps events apart from what else the server says, and the last cursor of all', () => {
    deliver('a', 1);
    socket.receive('rejoin:ready', { replay: { status: 'none', count: 0 }, watching: [] }, cursor(2));
    socket.receive('rejoin:cursor', {}, cursor(3));
    socket.receive('rejoin:closing', { code: 'DRAINING', retryable: true });
    expect(recorder.ids()).toEqual(['a']);
    expect(recorder.entryIds()).toEqual(['1-1']);
    expect(recorder.readies).toEqual([expect.objectContaining({ cursor: cursor(2) })]);
    expect(recorder.closings).toEqual([{ code: 'DRAINING', retryable: true }]);
    expect(recorder.cursor).toBe(cursor(3));
  });

  it('follows a client from socket to socket, until it is detached', () => {
    deliver('a', 1);
    const next = new FakeSocket();
    recorder.attach(next);
    next.receive('order.placed', { id: 'b' }, cursor(2));
    recorder.detach();
    next.receive('order.placed', { id: 'c' }, cursor(3));
    recorder.assertDelivered(['a', 'b']);
  });

  it('ignores an event without a cursor, which is none of ours', () => {
    socket.receive('chat', 'hello');
    socket.receive('chat');
    expect(recorder.ids()).toEqual([]);
  });
});

describe('a delivery', () => {
  it('is exact when every event came once and in order', () => {
    deliver('a', 1);
    deliver('b', 10);
    expect(recorder.compareWith(['a', 'b'])).toEqual({ lost: [], doubled: [], misordered: [], unexpected: [] });
    recorder.assertDelivered(['a', 'b']);
  });

  it('names what is lost, doubled and unexpected', () => {
    deliver('a', 1);
    deliver('a', 1);
    deliver('x', 2);
    expect(recorder.compareWith(['a', 'b'])).toEqual({
      lost: ['b'],
      doubled: ['a'],
      misordered: [],
      unexpected: ['x'],
    });
    expect(() => recorder.assertDelivered(['a', 'b'])).toThrow(
      'of 2 events, 3 received: 1 lost (b); 1 doubled (a); 1 unexpected (x)',
    );
  });

  it('is misordered by entry id, compared by value, and by the order of publishing', () => {
    deliver('b', 10);
    deliver('a', 9);
    expect(recorder.compareWith(['a', 'b']).misordered).toEqual(['a']);
    deliver('d', 11);
    deliver('c', 12);
    expect(recorder.compareWith(['a', 'b', 'c', 'd']).misordered).toEqual(['a', 'c']);
  });

  it('names the first few of many', () => {
    expect(() => recorder.assertDelivered(['1', '2', '3', '4', '5', '6'])).toThrow('6 lost (1, 2, 3, 4, 5, …)');
  });
});
