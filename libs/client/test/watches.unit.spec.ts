import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { RejoinError } from '../src/errors.ts';
import { Watches } from '../src/watches.ts';

/** What was asked of the gateway, in order. */
let asked: string[];
/** What it answers from now on; otherwise it agrees. */
let refusal: RejoinError | undefined;
let lost: string[];
let watches: Watches;

beforeEach(() => {
  jest.useFakeTimers();
  asked = [];
  refusal = undefined;
  lost = [];
  watches = new Watches(
    (resource, verb) => {
      asked.push(`${verb} ${resource}`);
      return refusal ? Promise.reject(refusal) : Promise.resolve();
    },
    ({ code }) => lost.push(code),
  );
});
afterEach(() => {
  jest.useRealTimers();
});

describe('what a client watches', () => {
  it('is asked for once, however many hold it, and given up with the last of them', async () => {
    watches.reconcile([]);
    await Promise.all([watches.add('order:1', 'a'), watches.add('order:1', 'b')]);
    watches.remove('order:1', 'a');
    expect(asked).toEqual(['watch order:1']);
    expect(watches.resources).toEqual(['order:1']);
    watches.remove('order:1', 'b');
    expect(asked).toEqual(['watch order:1', 'unwatch order:1']);
    expect(watches.resources).toEqual([]);
  });

  it('is confirmed by a connection that has it already, and asked for where that has not', async () => {
    const [one, two] = [watches.add('order:1', 'a'), watches.add('order:2', 'a')];
    expect(asked).toEqual([]);
    watches.reconcile(['order:1', 'order:3']);
    await Promise.all([one, two]);
    expect(asked).toEqual(['watch order:2', 'unwatch order:3']);
  });

  it('that is refused for good is told to whoever asked, and forgotten', async () => {
    watches.reconcile([]);
    refusal = new RejoinError('FORBIDDEN');
    await expect(watches.add('order:7', 'a')).rejects.toMatchObject({ code: 'FORBIDDEN' });
    expect(watches.resources).toEqual([]);
    expect(lost).toEqual([]);
  });

  it('that is refused for now is asked for again after the time that the gateway wishes', async () => {
    watches.reconcile([]);
    refusal = new RejoinError('RATE_LIMITED', { retryable: true, retryAfterMs: 3_000 });
    const watching = watches.add('order:1', 'a');
    await jest.advanceTimersByTimeAsync(2_999);
    expect(asked).toEqual(['watch order:1']);
    refusal = undefined;
    await jest.advanceTimersByTimeAsync(1);
    await watching;
    expect(asked).toEqual(['watch order:1', 'watch order:1']);
  });

  it('is not asked for again by a connection that is gone, nor once it is given up', async () => {
    watches.reconcile([]);
    refusal = new RejoinError('RATE_LIMITED', { retryable: true, retryAfterMs: 3_000 });
    void watches.add('order:1', 'a');
    void watches.add('order:2', 'a');
    await jest.advanceTimersByTimeAsync(0);
    watches.remove('order:2', 'a');
    watches.suspend();
    asked = [];
    await jest.advanceTimersByTimeAsync(60_000);
    expect(asked).toEqual([]);
  });

  it('may be lost later: a new connection that may not have it any more says so', async () => {
    watches.reconcile([]);
    await watches.add('order:1', 'a');
    watches.suspend();
    refusal = new RejoinError('FORBIDDEN');
    watches.reconcile([]);
    await jest.advanceTimersByTimeAsync(0);
    expect(lost).toEqual(['FORBIDDEN']);
    expect(watches.resources).toEqual([]);
  });
});
