import { describe, expect, test } from '@jest/globals';
import {
  BacklogFullError,
  BatchIncompleteError,
  type Published,
  type Publisher,
  PublisherOverloadedError,
  StreamUnavailableError,
} from '@rejoin/publisher';
import { eventually } from '@rejoin/testing';
import { ForwardingStoppedError } from '../src/index.ts';
import { type QueuedEvent, TenantLane } from '../src/publishing/tenant-lane.ts';

const away = () => new StreamUnavailableError('away', { retryable: true });
const refused = () => new StreamUnavailableError('NOPERM', { retryable: false });
const accepted = { status: 'fulfilled', value: {} as Published } as const;
const rejected = (reason: Error) => ({ status: 'rejected', reason }) as const;

/** What comes of one attempt. */
type Outcome = 'accepted' | Error | Promise<never>;

/** A lane in front of a publisher whose attempts go as a test says. */
function laneWith(...outcomes: readonly Outcome[]) {
  const attempts: string[][] = [];
  const settled: [string, Error | undefined][] = [];
  let idle = 0;
  const publishBatch: Publisher['publishBatch'] = async (events) => {
    const outcome = outcomes[attempts.length] ?? 'accepted';
    attempts.push((events as readonly { id: string }[]).map(({ id }) => id));
    if (outcome !== 'accepted') throw await outcome;
    return [];
  };
  const lane = new TenantLane({
    publisher: { publishBatch },
    onSettled: (event, error) => settled.push([event.name, error]),
    onIdle: () => {
      idle += 1;
    },
  });
  return { lane, attempts, settled, idle: () => idle };
}

/** An attempt that fails when the test says so. */
function unanswered(): { readonly promise: Promise<never>; reject(error: Error): void } {
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<never>((_, refuse) => {
    reject = refuse;
  });
  return { promise, reject: (error) => reject(error) };
}

const event = (id: string, { bytes = 100, inMs = 60_000 } = {}): QueuedEvent => ({
  name: id,
  tenantId: 'acme',
  json: JSON.stringify({ id }),
  bytes,
  deadline: performance.now() + inMs,
});

describe('the lane of a tenant', () => {
  test('sends what comes in one turn together, and is idle afterwards', async () => {
    const { lane, attempts, settled, idle } = laneWith();
    for (const id of ['a', 'b', 'c']) lane.push(event(id));
    await eventually(() => expect(idle()).toBe(1));
    expect(attempts).toEqual([['a', 'b', 'c']]);
    expect(settled.map(([id, error]) => [id, error])).toEqual([
      ['a', undefined],
      ['b', undefined],
      ['c', undefined],
    ]);
  });

  test.each([away(), new BacklogFullError(3, 'backlog', 'full'), new PublisherOverloadedError('full')])(
    'sends again, before everything else, what failed with %s',
    async (error) => {
      const { promise, reject } = unanswered();
      const { lane, attempts, settled, idle } = laneWith(promise);
      lane.push(event('a'));
      await eventually(() => expect(attempts).toHaveLength(1));
      lane.push(event('b'));
      reject(error);
      lane.hurry();
      await eventually(() => expect(idle()).toBe(1));
      expect(attempts).toEqual([['a'], ['a', 'b']]);
      expect(settled).toEqual([
        ['a', undefined],
        ['b', undefined],
      ]);
    },
  );

  test('sends again only what was not accepted', async () => {
    const results = [accepted, rejected(away()), rejected(away())];
    const { lane, attempts, settled, idle } = laneWith(new BatchIncompleteError(results, 1, away()));
    for (const id of ['a', 'b', 'c']) lane.push(event(id));
    await eventually(() => expect(idle()).toBe(1));
    expect(attempts).toEqual([
      ['a', 'b', 'c'],
      ['b', 'c'],
    ]);
    expect(settled).toHaveLength(3);
  });

  test('gives up at once what can never be accepted, and goes on', async () => {
    const reason = refused();
    const incomplete = new BatchIncompleteError([accepted, rejected(reason)], 1, reason);
    const { lane, attempts, settled, idle } = laneWith(incomplete, reason);
    for (const id of ['a', 'b']) lane.push(event(id));
    await eventually(() => expect(idle()).toBe(1));
    lane.push(event('c'));
    await eventually(() => expect(idle()).toBe(2));
    lane.push(event('d'));
    await eventually(() => expect(idle()).toBe(3));
    expect(attempts).toEqual([['a', 'b'], ['c'], ['d']]);
    expect(settled).toEqual([
      ['a', undefined],
      ['b', reason],
      ['c', reason],
      ['d', undefined],
    ]);
  });

  test('sends at most 256 events or 1 MiB at once, but a larger one alone', async () => {
    const { lane, attempts, idle } = laneWith();
    for (let n = 0; n < 300; n++) lane.push(event(`small-${n}`));
    for (const id of ['large', 'larger']) lane.push(event(id, { bytes: 700_000 }));
    lane.push(event('huge', { bytes: 2_000_000 }));
    await eventually(() => expect(idle()).toBe(1));
    expect(attempts.map((ids) => ids.length)).toEqual([256, 45, 1, 1]);
  });

  test('gives up what is too old before it is tried once more', async () => {
    const { lane, attempts, settled, idle } = laneWith(away());
    lane.push(event('old', { inMs: 1 }));
    lane.push(event('young'));
    await eventually(() => expect(idle()).toBe(1));
    expect(attempts.at(-1)).toEqual(['young']);
    expect(settled).toEqual([
      ['old', expect.objectContaining({ code: 'FORWARDING_GIVEN_UP' })],
      ['young', undefined],
    ]);
  });

  test('settles nothing twice where it is stopped during an attempt', async () => {
    const { promise, reject } = unanswered();
    const { lane, attempts, settled, idle } = laneWith(promise);
    lane.push(event('a'));
    await eventually(() => expect(attempts).toHaveLength(1));
    lane.push(event('b'));
    const stopped = new ForwardingStoppedError('stopped');
    lane.stop(stopped);
    expect(settled).toEqual([
      ['a', stopped],
      ['b', stopped],
    ]);
    reject(away());
    await eventually(() => expect(idle()).toBe(1));
    expect(settled).toHaveLength(2);
    expect(attempts).toEqual([['a']]);
  });
});
