import { describe, expect, it } from '@jest/globals';
import type { Refusal } from '@rejoin/protocol';
import { drain } from '../src/drain.ts';

/** Connections that end as soon as they are told, and a clock that only moves while somebody waits. */
class Stand {
  nowMs = 0;
  /** By the time at which it was said. */
  readonly told = new Map<number, Refusal[]>();
  readonly #open = new Set<object>();
  readonly #connections: { close(refusal: Refusal): void }[];
  readonly #lateMs: number;

  constructor(count: number, { lateMs = 0, staying = false } = {}) {
    this.#lateMs = lateMs;
    this.#connections = Array.from({ length: count }, () => {
      const connection = {
        close: (refusal: Refusal) => {
          this.told.set(this.nowMs, [...(this.told.get(this.nowMs) ?? []), refusal]);
          if (!staying) this.#open.delete(connection);
        },
      };
      this.#open.add(connection);
      return connection;
    });
  }

  async drain(spreadMs: number): Promise<void> {
    const { clock } = this;
    const open = this.#open;
    await drain(
      {
        all: () => this.#connections,
        get size() {
          return open.size;
        },
      },
      spreadMs,
      clock,
    );
  }

  get counts(): number[] {
    return [...this.told.values()].map(({ length }) => length);
  }

  get refusals(): Refusal[] {
    return [...this.told.values()].flat();
  }

  private get clock() {
    return {
      now: () => this.nowMs,
      wait: async (ms: number) => {
        this.nowMs += ms + this.#lateMs;
      },
    };
  }
}

describe('a gateway that drains', () => {
  it('tells few connections one after the other, and is done as soon as all are told', async () => {
    const stand = new Stand(5);
    await stand.drain(3_000);
    expect([...stand.told.keys()]).toEqual([0, 20, 40, 60, 80]);
    expect(stand.counts).toEqual([1, 1, 1, 1, 1]);
    expect(stand.nowMs).toBe(80);
  });

  it('tells many evenly over the time that it has', async () => {
    const stand = new Stand(10_000);
    await stand.drain(3_000);
    expect(stand.counts.reduce((sum, count) => sum + count)).toBe(10_000);
    expect(Math.max(...stand.counts)).toBeLessThanOrEqual(67);
    expect(stand.nowMs).toBe(2_980);
  });

  it('keeps the time also where its timers are late', async () => {
    const stand = new Stand(10_000, { lateMs: 180 });
    await stand.drain(3_000);
    expect(stand.nowMs).toBe(3_000);
    expect(Math.max(...stand.counts)).toBeLessThanOrEqual(667);
  });

  it('tells all at once where it has no time', async () => {
    const stand = new Stand(100);
    await stand.drain(0);
    expect(stand.counts).toEqual([100]);
  });

  it('tells each to come back after another time', async () => {
    const stand = new Stand(1_000);
    await stand.drain(0);
    const delays = stand.refusals.map(({ retryAfterMs = -1 }) => retryAfterMs);
    expect(stand.refusals.every(({ code, retryable }) => code === 'DRAINING' && retryable)).toBe(true);
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...delays)).toBeLessThanOrEqual(2_000);
    for (const [from, to] of [
      [0, 500],
      [500, 1_000],
      [1_000, 1_500],
      [1_500, 2_001],
    ] as const) {
      expect(delays.filter((ms) => ms >= from && ms < to).length).toBeGreaterThan(100);
    }
  });

  it('does not wait for ever for those who stay', async () => {
    const stand = new Stand(1, { staying: true });
    await stand.drain(3_000);
    expect(stand.nowMs).toBe(500);
  });

  it('has nothing to wait for where nobody is connected', async () => {
    const stand = new Stand(0);
    await stand.drain(3_000);
    expect(stand.nowMs).toBe(0);
  });
});
