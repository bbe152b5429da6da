import { describe, expect, it } from '@jest/globals';
import { healthOf } from '../src/partitions/health.ts';
import { lagOf } from '../src/partitions/lag.ts';
import type { PartitionSample } from '../src/partitions/partition-sample.ts';

const START_MS = 1_764_000_000_000;

/** Samples of a partition three seconds apart, each as `[handled so far, waiting]`. */
function window(
  figures: readonly (readonly [done: number, backlog: number])[],
  more: Partial<PartitionSample> = {},
): PartitionSample[] {
  return figures.map(([done, backlog], index) => ({
    partition: 0,
    atMs: START_MS + index * 3_000,
    length: backlog,
    last: `${done + backlog}-0`,
    added: done + backlog,
    handled: 0,
    done: `${done}-0`,
    floor: '0-0',
    feed: { length: 0, bytes: 0, first: null, last: null },
    group: { pending: 0, lag: backlog, oldestWaiting: backlog > 0 ? `${done + 1}-0` : null, oldestPending: null },
    lease: { token: '1-a', expiresInMs: 4_000 },
    owner: 'w-1',
    full: null,
    dead: 0,
    parked: 0,
    paused: null,
    ...more,
  }));
}

const health = (samples: PartitionSample[]) => healthOf(samples, samples.at(-1)?.atMs ?? START_MS, 10_000);

describe('the status of a partition', () => {
  it('is UNKNOWN before it was looked at, and when nobody could look for a while', () => {
    expect(health([]).status).toBe('UNKNOWN');
    const samples = window([[1, 0]]);
    expect(healthOf(samples, START_MS + 60_000, 10_000)).toMatchObject({ status: 'UNKNOWN' });
  });

  it('is OK where nothing waits now, or nothing waited at any time of the window', () => {
    expect(health(window([[1, 0]])).status).toBe('OK');
    expect(
      health(
        window([
          [1, 5],
          [1, 5],
          [6, 0],
        ]),
      ).status,
    ).toBe('OK');
    expect(
      health(
        window([
          [1, 0],
          [1, 3],
          [1, 9],
        ]),
      ).status,
    ).toBe('OK');
  });

  it('is OK where something waits and falls', () => {
    expect(
      health(
        window([
          [1, 90],
          [50, 80],
          [90, 70],
        ]),
      ).status,
    ).toBe('OK');
  });

  it('is WARN where events are handled and what waits never falls', () => {
    expect(
      health(
        window([
          [1, 10],
          [50, 10],
          [90, 40],
        ]),
      ).status,
    ).toBe('WARN');
  });

  it('is STALL where an owner handles nothing', () => {
    expect(
      health(
        window([
          [7, 10],
          [7, 10],
          [7, 12],
        ]),
      ).status,
    ).toBe('STALL');
  });

  it('is STOP where nobody owns it, or it is paused', () => {
    expect(
      health(
        window(
          [
            [7, 10],
            [7, 10],
            [7, 12],
          ],
          { lease: null, owner: null },
        ),
      ).status,
    ).toBe('STOP');
    const paused = { reason: 'a migration', remainingMs: 1_000 };
    expect(
      health(
        window(
          [
            [7, 10],
            [7, 12],
          ],
          { paused },
        ),
      ),
    ).toMatchObject({ status: 'STOP', reason: expect.stringContaining('a migration') });
  });

  it('is REWIND where the position went back, also where nothing waits', () => {
    expect(
      health(
        window([
          [70, 0],
          [70, 0],
          [20, 0],
        ]),
      ).status,
    ).toBe('REWIND');
  });

  it('does not guess from too short a window', () => {
    expect(
      health(
        window([
          [7, 10],
          [7, 10],
        ]),
      ).status,
    ).toBe('UNKNOWN');
  });
});

describe('the lag', () => {
  const [sample] = window([[1, 5]]) as [PartitionSample];
  const group = sample.group as NonNullable<PartitionSample['group']>;

  it('is exact where Redis and our own count agree', () => {
    expect(lagOf(sample)).toEqual({ lag: { value: 5, exact: true }, reason: null });
  });

  it('is a lower bound with its cause where Redis does not know, or says something else', () => {
    expect(lagOf({ ...sample, group: { ...group, lag: null } })).toMatchObject({
      lag: { value: 5, exact: false },
      reason: expect.any(String),
    });
    expect(lagOf({ ...sample, group: { ...group, lag: 3 } })).toMatchObject({ lag: { value: 3, exact: false } });
  });

  it('is never 0 while an entry waits, whatever the figures say', () => {
    expect(lagOf({ ...sample, length: 1, handled: 9, group: { ...group, lag: 0 } }).lag).toEqual({
      value: 1,
      exact: false,
    });
  });

  it('is 0 where no entry waits, whatever the figures say', () => {
    expect(lagOf({ ...sample, group: { ...group, oldestWaiting: null, lag: null } }).lag).toEqual({
      value: 0,
      exact: true,
    });
  });

  it('is at least what is not handled where the group is gone, and unknown where even that is not counted', () => {
    expect(lagOf({ ...sample, group: null }).lag).toEqual({ value: 5, exact: false });
    expect(lagOf({ ...sample, group: null, handled: 5 })).toMatchObject({ lag: null, reason: expect.any(String) });
    expect(lagOf({ ...sample, group: null, length: 0 }).lag).toEqual({ value: 0, exact: true });
  });
});
