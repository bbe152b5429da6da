import { beforeEach, describe, expect, test } from '@jest/globals';
import { Ledger } from '../src/page/ledger.ts';

const time = (second: number) => new Date(1_700_000_000_000 + second * 1_000).toISOString();

let ledger: Ledger;
const announce = (number: number) => ledger.announce({ id: `e-${number}`, time: time(number) });
const receive = (number: number, subject = 'A-1') => ledger.receive({ id: `e-${number}`, time: time(number), subject });
beforeEach(() => {
  ledger = new Ledger('acme');
});

describe('the ledger of a client', () => {
  test('awaits what was emitted for it until it is received, whichever it hears of first', () => {
    receive(1);
    expect(announce(1)).toBe(false);
    expect([announce(2), announce(3)]).toEqual([true, true]);
    expect(ledger.awaited).toBe(2);
    receive(2);
    receive(3);
    expect(ledger).toMatchObject({ awaited: 0, received: 3, lost: 0, twice: 0, disordered: 0, foreign: 0 });
  });

  test('does not await what was emitted before a fresh client began, and misses none of it', () => {
    announce(1);
    announce(3);
    receive(2);
    announce(0);
    expect(ledger).toMatchObject({ awaited: 1, lost: 0 });
  });

  test('counts what must not happen: doubles, disorder, and events of another tenant', () => {
    for (const number of [1, 3, 3, 2, 4]) receive(number);
    receive(5, 'G-1');
    expect(ledger).toMatchObject({ twice: 1, disordered: 1, foreign: 1 });
  });

  test('counts as lost what is not there when a later event is, whenever it hears that it was emitted', () => {
    receive(1);
    announce(2);
    expect(ledger.lost).toBe(0);
    receive(4);
    expect(ledger).toMatchObject({ lost: 1, awaited: 0 });
    announce(3);
    expect(ledger).toMatchObject({ lost: 2, awaited: 0 });
  });

  test('misses nothing that was withdrawn, or that a gap reported', () => {
    receive(1);
    announce(2);
    announce(3);
    ledger.withdraw('e-2');
    expect(ledger.awaited).toBe(1);
    ledger.giveUp();
    receive(4);
    expect(ledger).toMatchObject({ awaited: 0, lost: 0 });
  });

  test('stays bounded however long a client is away', () => {
    for (let number = 0; number < 10_010; number++) announce(number);
    expect(ledger.awaited).toBe(10_000);
  });
});
