import { beforeEach, expect, test } from '@jest/globals';
import { type EntryId, formatCursor, type ReplayReport } from '@rejoin/protocol';
import { ChaosClient } from '../src/chaos-client.ts';
import { judge } from '../src/judgement.ts';
import { Ledger } from '../src/ledger.ts';
import { Referee } from '../src/referee.ts';

const cursor = (entryId: EntryId): string => formatCursor({ epoch: 'e', partition: 0, entryId });

/** A client that is told what it receives. */
class ToldClient extends ChaosClient {
  readonly isLive = true;
  connect(): void {}
  disconnect(): void {}
  close(): void {}

  handle(id: string, entryId: EntryId, tenant = 'acme', audience = 'tenant'): void {
    this.receive({ id, type: 'plain.event', time: '', data: { tenant, audience } }, cursor(entryId));
  }

  miss(from: EntryId, oldest: EntryId, reason = 'window'): void {
    this.replayed({ status: 'gap', count: 0, reason, from: cursor(from), oldest: cursor(oldest) } as ReplayReport);
  }
}

let referee: Referee;
let client: ToldClient;
let ledger: Ledger;
beforeEach(() => {
  referee = new Referee();
  const options = { name: 'acme/u1', tenant: 'acme', user: 'u1', roles: [], watch: [], groups: [] };
  client = new ToldClient({ ...options, urls: ['http://localhost'], secret: 's', referee });
  ledger = new Ledger();
  for (const n of [1, 2, 3, 4]) {
    ledger.intend({ id: `e${n}`, tenant: 'acme', audience: n === 4 ? 'user:u2' : 'tenant', moves: false });
    ledger.accept(`e${n}`, `${n}-0`);
  }
});

test('what an accepted event’s audience received is enough, and nobody else needs it', () => {
  for (const n of [1, 2, 3]) client.handle(`e${n}`, `${n}-0`);
  expect(judge(client, ledger)).toEqual({ expected: 3, missing: [], gapped: 0, unknown: [] });
  expect(referee.breach).toBeUndefined();
});

test('an accepted event that did not come is missing', () => {
  client.handle('e1', '1-0');
  client.handle('e3', '3-0');
  expect(judge(client, ledger).missing).toMatchObject([{ id: 'e2' }]);
});

test('one in a reported gap is not, and one beside it is', () => {
  client.handle('e1', '1-0');
  client.miss('1-0', '2-0');
  expect(judge(client, ledger)).toMatchObject({ gapped: 1, missing: [{ id: 'e3' }] });
});

test('one that was not accepted may come and need not', () => {
  ledger.intend({ id: 'e5', tenant: 'acme', audience: 'tenant', moves: false });
  for (const n of [1, 2, 3, 5]) client.handle(`e${n}`, `${n}-0`);
  expect(judge(client, ledger)).toMatchObject({ missing: [], unknown: [] });
});

test('one that nobody meant to publish is told', () => {
  client.handle('e0', '1-0');
  expect(judge(client, ledger).unknown).toEqual(['e0']);
});

test.each<[string, string, (client: ToldClient) => void]>([
  ['G2', 'an event that came before', (told) => told.handle('e1', '1-0')],
  ['G2', 'an event that came before, at another place', (told) => told.handle('e1', '9-0')],
  ['G3', 'an event behind a later one', (told) => told.handle('e0', '0-5')],
  ['G4', 'an event of another tenant', (told) => told.handle('f1', '2-0', 'globex')],
  ['G4', 'an event for somebody else', (told) => told.handle('e4', '4-0', 'acme', 'user:u2')],
  ['G6', 'a gap that means a loss', (told) => told.miss('1-0', '2-0', 'epoch')],
])('%s is broken by %s, at once', (guarantee, _, act) => {
  client.handle('e1', '1-0');
  expect(referee.breach).toBeUndefined();
  act(client);
  expect(referee.breach?.guarantee).toBe(guarantee);
  expect(referee.broken.aborted).toBe(true);
});

test('the first breach counts, with what was done before it', () => {
  for (let n = 0; n < 20; n++) referee.noteFault(`fault ${n}`);
  referee.report('G1', 'first', { client: 'c' });
  referee.report('G2', 'second');
  expect(referee.breach).toMatchObject({ guarantee: 'G1', what: 'first', evidence: { client: 'c' } });
  expect(referee.lastFaults.at(-1)).toBe('fault 19');
});

test('a handled place between two trimmed ones is found', () => {
  expect(ledger.acceptedBetween(() => true, '1-0', '3-0')?.id).toBe('e2');
  expect(ledger.acceptedBetween(() => true, '2-0', '3-0')).toBeUndefined();
  expect(ledger.acceptedBetween(() => false, '1-0', '3-0')).toBeUndefined();
});
