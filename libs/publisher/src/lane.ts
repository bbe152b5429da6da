import { reconnectDelayMs } from '@rejoin/redis';
import { StreamUnavailableError } from '@rejoin/streams';
import type { Availability } from './availability.ts';
import type { PendingEvent } from './pending-event.ts';

/** Events that one run takes at most: a script must stay short, for Redis does nothing else meanwhile. */
const MAX_RUN_EVENTS = 512;
/** JSON bytes that one run takes at most, except for a single larger event. */
const MAX_RUN_BYTES = 1024 * 1024;

/** Settles every event of a run. */
export type Settle = () => void;
/** Handles events; throws why none of them could be handled. */
export type Run = (events: readonly PendingEvent[]) => Promise<Settle>;

/**
 * A queue whose events are handled in the order of `push`, in runs of which at most one is under way. So a run that is
 * repeated, because Redis did not know the script or was away, is never overtaken by a later event.
 *
 *     idle ──push──▶ scheduled ──end of turn──▶ running ──queue empty──▶ idle
 *                                               │     ▲
 *                            Redis away, may wait     Redis back, or time for a new try
 *                                               ▼     │
 *                                               waiting
 */
export class Lane {
  #state: 'idle' | 'scheduled' | 'running' | 'waiting' = 'idle';
  readonly #queue: PendingEvent[] = [];
  /** What the run under way has taken. */
  #running: readonly PendingEvent[] = [];
  readonly #run: Run;
  readonly #availability: Availability;
  readonly #waits: boolean;
  #abandoned = false;

  /**
   * @param waits whether events wait for Redis until their deadline
   */
  constructor(run: Run, availability: Availability, { waits }: { readonly waits: boolean }) {
    this.#run = run;
    this.#availability = availability;
    this.#waits = waits;
  }

  get idle(): boolean {
    return this.#state === 'idle';
  }

  push(event: PendingEvent): void {
    this.#queue.push(event);
    if (this.#state !== 'idle') return;
    this.#state = 'scheduled';
    // After the poll phase, so that events published by everything that happened in this turn go together.
    setImmediate(() => void this.#drain());
  }

  /** Rejects everything that is not settled yet; nothing may be pushed afterwards. */
  abandon(reason: Error): void {
    this.#abandoned = true;
    for (const event of this.#running) event.reject(reason);
    for (const event of this.#queue.splice(0)) event.reject(reason);
  }

  /** Never rejects. */
  async #drain(): Promise<void> {
    let failures = 0;
    let settle: Settle = () => undefined;
    for (;;) {
      const events = this.#take();
      if (events.length === 0) break;
      this.#state = 'running';
      const settlePrevious = settle;
      try {
        const run = this.#start(events);
        // While Redis has the next run, those who wait for the last one go on.
        settlePrevious();
        this.#running = events;
        settle = await run;
        failures = 0;
      } catch (error) {
        settle = () => undefined;
        failures += 1;
        await this.#failed(events, error as Error, failures);
      }
    }
    this.#state = 'idle';
    settle();
    this.#running = [];
  }

  async #start(events: readonly PendingEvent[]): Promise<Settle> {
    if (!this.#availability.reachable) {
      throw new StreamUnavailableError('the connection to Redis is lost', { retryable: true });
    }
    return this.#run(events);
  }

  /** The next run, without what belongs to a batch that failed before. */
  #take(): PendingEvent[] {
    const events: PendingEvent[] = [];
    let bytes = 0;
    let taken = 0;
    for (const event of this.#queue) {
      const failure = event.batch?.failure;
      if (!failure) {
        bytes += event.prepared.bytes;
        if (events.length === MAX_RUN_EVENTS || (events.length > 0 && bytes > MAX_RUN_BYTES)) break;
        events.push(event);
      } else event.reject(failure);
      taken += 1;
    }
    this.#queue.splice(0, taken);
    return events;
  }

  async #failed(events: readonly PendingEvent[], error: Error, failures: number): Promise<void> {
    const unavailable = error instanceof StreamUnavailableError;
    if (this.#abandoned || !this.#waits || !unavailable || !error.retryable) {
      for (const event of events) event.reject(error);
      // What queued up behind a Redis that is away would only find out one run after the other.
      if (unavailable && error.retryable) for (const event of this.#queue.splice(0)) event.reject(error);
      return;
    }
    this.#queue.unshift(...events);
    this.#running = [];
    this.#state = 'waiting';
    const now = performance.now();
    // Deadlines ascend along the queue: all events wait equally long.
    const alive = this.#queue.findIndex((event) => event.deadline > now);
    for (const event of this.#queue.splice(0, alive === -1 ? this.#queue.length : alive)) event.reject(error);
    const first = this.#queue[0];
    if (first) await this.#availability.wait(Math.min(reconnectDelayMs(failures), first.deadline - now));
  }
}
