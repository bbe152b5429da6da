import {
  BacklogFullError,
  BatchIncompleteError,
  type Publisher,
  PublisherOverloadedError,
  StreamUnavailableError,
} from '@rejoin/publisher';
import { reconnectDelayMs } from '@rejoin/redis';
import { ForwardingGivenUpError, type ForwardingStoppedError } from './errors.ts';
import { eventOf, type ForwardableEvent } from './event-mapping.ts';

/** An event on its way. */
export interface QueuedEvent extends ForwardableEvent {
  /** Under which it was emitted. */
  readonly name: string;
  /** When it is given up, of `performance.now()`. */
  readonly deadline: number;
}

export interface LaneOptions {
  readonly publisher: Pick<Publisher, 'publishBatch'>;
  /** Called once for each event; `error` is absent where Redis has it. */
  onSettled(event: QueuedEvent, error?: Error): void;
  /** The lane is empty: nobody needs it any more. */
  onIdle(): void;
}

/** Events that one attempt takes at most; the publisher sends as many with one script. */
const MAX_BATCH_EVENTS = 256;
const MAX_BATCH_BYTES = 1024 * 1024;
/** Longest pause of a lane that is to hurry, in milliseconds. */
const HURRIED_PAUSE_MS = 100;

/**
 * The events of one tenant, published in the order of `push`: an attempt begins when the one before is answered, and what it
 * did not get through comes first in the next, with the same ids.
 *
 *     idle ──push──▶ scheduled ──end of turn──▶ sending ──nothing left──▶ idle
 *                                               │     ▲
 *                              failure that may pass  pause over, or hurry
 *                                               ▼     │
 *                                               pausing
 */
export class TenantLane {
  #state: 'idle' | 'scheduled' | 'sending' | 'pausing' = 'idle';
  readonly #options: LaneOptions;
  readonly #queue: QueuedEvent[] = [];
  #sending: QueuedEvent[] = [];
  #hurries = false;
  #stopped = false;
  #wake: (() => void) | undefined;

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  push(event: QueuedEvent): void {
    this.#queue.push(event);
    if (this.#state !== 'idle') return;
    this.#state = 'scheduled';
    // What is emitted in one turn goes together.
    setImmediate(() => void this.#drain());
  }

  /** Ends the pause, and makes all later ones short. */
  hurry(): void {
    this.#hurries = true;
    this.#wake?.();
  }

  /** Gives up everything that is not settled. */
  stop(reason: ForwardingStoppedError): void {
    this.#stopped = true;
    const left = [...this.#sending, ...this.#queue.splice(0)];
    this.#sending = [];
    for (const event of left) this.#options.onSettled(event, reason);
    this.#wake?.();
  }

  /** Never rejects. */
  async #drain(): Promise<void> {
    let failures = 0;
    let lastFailure: Error | undefined;
    for (;;) {
      this.#giveUp(lastFailure);
      this.#sending = this.#take();
      if (this.#sending.length === 0) break;
      this.#state = 'sending';
      const sent = this.#sending.length;
      lastFailure = await this.#send();
      if (!lastFailure || this.#stopped) {
        failures = 0;
        continue;
      }
      failures = this.#sending.length < sent ? 1 : failures + 1;
      this.#queue.unshift(...this.#sending);
      this.#sending = [];
      await this.#pause(this.#pauseMs(lastFailure, failures));
    }
    this.#state = 'idle';
    this.#options.onIdle();
  }

  #take(): QueuedEvent[] {
    let bytes = 0;
    let count = 0;
    for (const event of this.#queue) {
      bytes += event.bytes;
      if (count === MAX_BATCH_EVENTS || (count > 0 && bytes > MAX_BATCH_BYTES)) break;
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  /**
   * One attempt; afterwards `#sending` is what must be sent again.
   * @returns why it must
   */
  async #send(): Promise<Error | undefined> {
    const batch = this.#sending;
    try {
      await this.#options.publisher.publishBatch(batch.map(eventOf));
      this.#settle(batch);
      return undefined;
    } catch (error) {
      const incomplete = error instanceof BatchIncompleteError ? error : undefined;
      const reason = (incomplete ? incomplete.cause : error) as Error;
      const isLeft = (_: QueuedEvent, index: number): boolean => incomplete?.results[index]?.status !== 'fulfilled';
      const left = batch.filter(isLeft);
      this.#settle(batch.filter((event) => !left.includes(event)));
      if (mayPass(reason)) return reason;
      this.#settle(left, reason);
      return undefined;
    }
  }

  /** What was settled by `stop()` meanwhile is not settled again. */
  #settle(events: readonly QueuedEvent[], error?: Error): void {
    if (this.#stopped) return;
    this.#sending = this.#sending.filter((event) => !events.includes(event));
    for (const event of events) this.#options.onSettled(event, error);
  }

  #giveUp(lastFailure: Error | undefined): void {
    const now = performance.now();
    // Deadlines ascend: all events may wait equally long.
    const alive = this.#queue.findIndex(({ deadline }) => deadline > now);
    const late = this.#queue.splice(0, alive === -1 ? this.#queue.length : alive);
    for (const event of late) {
      const error = new ForwardingGivenUpError('Redis did not take the event in time', { cause: lastFailure });
      this.#options.onSettled(event, error);
    }
  }

  #pauseMs(reason: Error, failures: number): number {
    // Nobody shall come back at the same moment as all others, also where the refusal names one.
    const asked = reason instanceof BacklogFullError ? reason.retryAfterMs * (1 + Math.random() / 2) : 0;
    const untilDeadline = (this.#queue[0]?.deadline ?? 0) - performance.now();
    const ms = Math.min(Math.max(reconnectDelayMs(failures), asked), Math.max(0, untilDeadline));
    return this.#hurries ? Math.min(ms, HURRIED_PAUSE_MS) : ms;
  }

  async #pause(ms: number): Promise<void> {
    this.#state = 'pausing';
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = undefined;
  }
}

function mayPass(error: Error): boolean {
  if (error instanceof StreamUnavailableError) return error.retryable;
  return error instanceof BacklogFullError || error instanceof PublisherOverloadedError;
}
