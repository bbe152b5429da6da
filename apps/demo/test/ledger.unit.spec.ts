import { beforeEach, describe, expect, test } from '@jest/globals';
import type { ReplayReport } from '@rejoin/protocol';
import type { ClientState } from '../src/page/client.ts';
import { type DemoEvent, Ledger } from '../src/page/ledger.ts';
import { momentOf } from '../src/page/moment.ts';

const time = (second: number) => new Date(1_700_000_000_000 + second * 1_000).toISOString();
const event = (number: number, subject = 'A-1'): DemoEvent => ({
  id: `e-${number}`,
  type: 'notification.paid',
  time: time(number),
  subject,
  data: { userId: 'sam', text: 'Pack it' },
});

let ledger: Ledger;
const announce = (number: number) => ledger.announce({ id: `e-${number}`, time: time(number), recipients: [] });
const receive = (number: number, subject?: string) => ledger.receive(event(number, subject), `cursor-${number}`);
beforeEach(() => {
  ledger = new Ledger('acme');
});

describe('the ledger of a client', () => {
  test('awaits what was published for it until it is received, whichever it hears of first', () => {
    receive(1);
    announce(1);
    announce(2);
    announce(3);
    expect(ledger.awaited).toBe(2);
    receive(2);
    receive(3);
    expect(ledger).toMatchObject({ awaited: 0, received: 3, cursor: 'cursor-3', twice: 0, disordered: 0, foreign: 0 });
  });

  test('does not await what was published before a fresh client began', () => {
    announce(1);
    announce(3);
    receive(2);
    announce(0);
    expect(ledger.awaited).toBe(1);
  });

  test('counts what must not happen: doubles, disorder, and events of another tenant', () => {
    for (const number of [1, 3, 3, 2, 4]) receive(number);
    receive(5, 'G-1');
    expect(ledger).toMatchObject({ twice: 1, disordered: 1, foreign: 1 });
  });

  test('awaits nothing after a gap was reported', () => {
    announce(1);
    ledger.giveUp();
    expect(ledger.awaited).toBe(0);
  });

  test('stays bounded however long a client is away', () => {
    for (let number = 0; number < 10_010; number++) announce(number);
    expect(ledger.awaited).toBe(10_000);
  });
});

describe('what the page says of a client', () => {
  const moment = (state: ClientState, replay: ReplayReport | null = null, recovered = true, problem = '') =>
    momentOf({ state, problem, ledger, catchUp: replay && { replay, recovered, tookMs: 7 } });

  test('names what is missed while it is away, and why it is away', () => {
    expect(moment('connecting')).toMatchObject({ kind: 'away', figure: '', title: 'Not connected yet' });
    receive(1);
    announce(2);
    expect(moment('cut')).toMatchObject({ kind: 'away', figure: '1', title: 'event missed so far' });
    announce(3);
    expect(moment('connecting', null, true, 'transport close')).toMatchObject({
      figure: '2',
      title: 'events missed so far',
      detail: 'transport close; trying again',
    });
  });

  test('names how it caught up', () => {
    expect(moment('live', { status: 'none', count: 0 })).toMatchObject({ kind: 'fresh' });
    expect(moment('live', { status: 'complete', count: 3 })).toEqual({
      kind: 'complete',
      figure: '3',
      title: 'missed events replayed in order',
      detail: 'complete in 7 ms, by its session (pid, offset)',
    });
    expect(moment('live', { status: 'complete', count: 0 }, false).detail).toContain(
      'by its cursor, without a session',
    );
  });

  test('does not call a gap a success', () => {
    const gap = moment('live', { status: 'gap', count: 1, reason: 'window', from: null, oldest: 'c' });
    expect(gap).toMatchObject({ kind: 'gap', figure: '1' });
    expect(gap.detail).toContain('window');
  });
});
