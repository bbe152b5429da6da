import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Throttle } from '../src/throttle.ts';

let runs: number;
let throttle: Throttle;

beforeEach(() => {
  jest.useFakeTimers();
  runs = 0;
  throttle = new Throttle(() => {
    runs += 1;
  }, 5_000);
});
afterEach(() => {
  jest.useRealTimers();
});

describe('a throttled action', () => {
  it('runs once for all that asked within its interval, at its end', () => {
    for (let asked = 0; asked < 100; asked++) {
      throttle.request();
      jest.advanceTimersByTime(49);
    }
    expect(runs).toBe(0);
    jest.advanceTimersByTime(100);
    expect(runs).toBe(1);
  });

  it('runs again only where it was asked for since', () => {
    throttle.request();
    jest.advanceTimersByTime(60_000);
    expect(runs).toBe(1);
    throttle.request();
    jest.advanceTimersByTime(5_000);
    expect(runs).toBe(2);
  });

  it('runs at once when it is flushed, and no second time for the same asking', () => {
    throttle.flush();
    expect(runs).toBe(0);
    throttle.request();
    throttle.flush();
    expect(runs).toBe(1);
    jest.advanceTimersByTime(60_000);
    expect(runs).toBe(1);
  });

  it('does not run once it is cancelled', () => {
    throttle.request();
    throttle.cancel();
    jest.advanceTimersByTime(60_000);
    throttle.flush();
    expect(runs).toBe(0);
  });
});
