import { setTimeout as delay } from 'node:timers/promises';

export interface EventuallyOptions {
  /** Milliseconds, 5,000 by default. */
  readonly timeoutMs?: number;
  /** Milliseconds between two tries, 10 by default. */
  readonly intervalMs?: number;
}

/**
 * Tries a condition until it holds: until `attempt` neither throws nor returns `false` or `null`. It may be a predicate, an
 * assertion (which returns nothing), or a look-up whose result the caller wants.
 * @returns what `attempt` returned
 * @throws Error whose message says what the last try said, at the caller's line
 */
export async function eventually<Value>(
  attempt: () => Value | Promise<Value>,
  { timeoutMs = 5_000, intervalMs = 10 }: EventuallyOptions = {},
): Promise<Exclude<Value, false | null>> {
  const caller = new Error('never true');
  Error.captureStackTrace(caller, eventually);
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    let last: unknown;
    try {
      const value = await attempt();
      if (value !== false && value !== null) return value as Exclude<Value, false | null>;
      last = new Error(`returned ${String(value)}`);
    } catch (error) {
      last = error;
    }
    if (performance.now() >= deadline) {
      caller.message = `not within ${timeoutMs} ms: ${last instanceof Error ? last.message : String(last)}`;
      caller.cause = last;
      throw caller;
    }
    await delay(intervalMs);
  }
}
