import { FanOut, type FanOutItem, type FanOutOptions, type FanOutResult } from '@rejoin/feed';
import { compareEntryIds, ENTRY_ID_ZERO, type EntryId, laterEntryId } from '@rejoin/protocol';
import { type PartitionKeys, type RedisClient, reconnectDelayMs } from '@rejoin/redis';
import type { Logger } from '@rejoin/runtime';
import {
  classifyRedisFailure,
  type EntryPage,
  EventReader,
  EventWaker,
  FencedError,
  type PartitionLease,
  PausedError,
  pause,
  pauseOf,
  type ReadBounds,
  StaleBatchError,
  type StreamEntry,
  withMissing,
} from '@rejoin/streams';
import { EventPreparation } from './event-preparation.ts';
import { FailureLog } from './failure-log.ts';
import { splitIntoBatches } from './fan-out-batches.ts';
import { FanOutQueue } from './fan-out-queue.ts';
import type { PartitionHistory } from './partition-history.ts';
import { isPromise } from './retrying-resolver.ts';
import { replaceSilentConnection } from './silent-connection.ts';
import type { TrialTurns } from './trial-turns.ts';
import type { WorkerCounters, WorkerListener } from './worker-counters.ts';

export interface PartitionWorkOptions {
  readonly lease: PartitionLease;
  /** For short commands; reads and fan-outs travel on it one behind the other. */
  readonly client: RedisClient;
  readonly keys: PartitionKeys;
  /** Makes a connection for blocking reads that does not reconnect by itself. */
  connectBlocking(): RedisClient;
  /** See `EventWakerOptions`. */
  readonly blockMs?: number;
  readonly preparation: EventPreparation;
  readonly history: PartitionHistory;
  readonly fanOut: FanOutOptions;
  readonly bounds?: Partial<ReadBounds>;
  /** How often an entry is run that ends its worker each time; the first run among others is not counted. */
  readonly maxTrials: number;
  /** Those of the process. */
  readonly trialTurns: TrialTurns;
  /** Most parked events of the partition. */
  readonly maxParked: number;
  readonly counters: WorkerCounters;
  readonly listener: WorkerListener;
  readonly logger: Logger;
}

/** How soon the end of a pause is noticed, in milliseconds. */
const PAUSE_POLL_MS = 250;
/** How soon it is noticed that there is room for another parked event, in milliseconds. */
const PARK_POLL_MS = 500;
/** Events of one partition for which resolvers are waited for at a time. */
const MAX_WAITING = 64;
/** From when on operators see entries in hand, in milliseconds. Most are gone long before. */
const IN_HAND_MS = 500;

/**
 * Works for one partition under a lease: reads entries, prepares them, fans them out, in order.
 *
 *     starting ──behind what is handled──▶ reading ──nothing left──▶ waiting
 *         ▲  ▲                               │  ▲────entries came───────┘
 *         │  └──any failure but the loss of the lease
 *         └──────────── paused ◀─────────────┘
 *
 * A failure may hide what was fanned out, so it always leads back to where Redis says that everything is handled.
 */
export class PartitionWork {
  readonly #options: PartitionWorkOptions;
  readonly #reader: EventReader;
  readonly #waker: EventWaker;
  readonly #fanOut: FanOut;
  readonly #failureLog: FailureLog;
  #failures = 0;
  #isPaused = false;
  #isFirst = true;
  /** The last entry that was read. */
  #furthest: EntryId = ENTRY_ID_ZERO;

  constructor(options: PartitionWorkOptions) {
    this.#options = options;
    const { client, keys, lease, bounds, connectBlocking, blockMs } = options;
    this.#reader = new EventReader(client, keys, lease.token, bounds);
    this.#waker = new EventWaker({ keys, connectBlocking, ...(blockMs === undefined ? {} : { blockMs }) });
    this.#fanOut = new FanOut(client, keys, options.fanOut);
    this.#failureLog = new FailureLog(options.logger, 'partition starts again from what is handled');
  }

  /** Resolves when the lease is yielding and the batch at hand is finished, or when the lease is lost. */
  async run(): Promise<void> {
    const { lease } = this.#options;
    try {
      while (!lease.yielding.aborted) {
        try {
          await this.#session();
        } catch (error) {
          if (error instanceof PausedError) this.#isPaused = true;
          else await this.#recover(error);
        }
      }
    } finally {
      this.#waker.close();
    }
  }

  /** Nothing is fanned out until the pause ends, by its time or by an operator. */
  async #waitOutPause(): Promise<void> {
    const { lease, client, keys, logger } = this.#options;
    const { partition } = lease;
    logger.warn({ partition, pause: await pauseOf(client, keys) }, 'partition is paused');
    while (!lease.yielding.aborted && (await client.exists(keys.paused)) === 1) {
      await pause(PAUSE_POLL_MS, lease.yielding);
    }
    this.#isPaused = false;
    logger.info({ partition }, 'partition goes on');
  }

  async #recover(error: unknown): Promise<void> {
    const { lease, client, history, counters } = this.#options;
    if (error instanceof FencedError) {
      counters.fenced += 1;
      lease.end();
    }
    if (lease.ended.aborted) return;
    if (classifyRedisFailure(error) === 'connection') history.doubt();
    replaceSilentConnection(client, error);
    let delayMs = reconnectDelayMs(this.#failures);
    if (error instanceof StaleBatchError) counters.staleBatches += 1;
    else counters.failures += 1;
    // Starting again cures it; only one that comes back at once must wait, and is worth a word.
    if (error instanceof StaleBatchError && this.#failures === 0) delayMs = 0;
    else this.#failureLog.report(error, { partition: lease.partition });
    this.#failures += 1;
    await pause(delayMs, lease.yielding);
  }

  async #session(): Promise<void> {
    const { lease, history, counters } = this.#options;
    if (this.#isPaused) await this.#waitOutPause();
    if (lease.yielding.aborted) return;
    await this.#verifyHistory();
    await this.#fanOut.takeBack(lease.token);
    const { position, delivered, missing } = await this.#reader.start();
    const queue = new FanOutQueue(lease, this.#fanOut, position, (...run) => this.#record(...run));
    const interrupted = AbortSignal.any([lease.yielding, queue.failed]);
    // What stands behind `done` when a lease begins may have ended the owner before; later only this one has had it in hand.
    let isInherited = this.#isFirst;
    this.#isFirst = false;
    const readBefore = laterEntryId(delivered, this.#furthest);
    let after = position;
    let reading: Promise<PromiseSettledResult<EntryPage | null>> | null = settled(this.#reader.read(after));
    try {
      while (reading !== null) {
        const read: EntryPage | null = unwrap(await reading);
        if (read === null) break;
        const page: EntryPage = missing.length === 0 ? read : withMissing(read, missing, after);
        after = page.position;
        if (compareEntryIds(after, readBefore) <= 0) counters.redelivered += page.entries.length;
        else this.#furthest = after;
        if (history.due) await this.#verifyHistory();
        // The next page is on its way while this one is prepared.
        reading = page.more && !interrupted.aborted ? settled(this.#reader.read(after)) : null;
        if (isInherited) await this.#sendInherited(page.entries, queue);
        else await this.#send(page.entries, queue);
        // The next owner goes on where it stopped.
        if (isInherited && lease.yielding.aborted) break;
        isInherited = false;
        if (reading === null && !interrupted.aborted) reading = settled(this.#waker.wait(after, interrupted));
      }
      await queue.drain();
    } finally {
      // Nothing of this session may come after the beginning of the next.
      await Promise.all([reading, queue.settle()]);
    }
  }

  async #send(entries: readonly StreamEntry[], queue: FanOutQueue): Promise<void> {
    if (entries.length === 0) return;
    this.#requireLease();
    this.#options.counters.taken += entries.length;
    let taking: Promise<unknown> | undefined;
    const timer = setTimeout(() => {
      // Whatever is wrong, fan-out will meet it, too.
      taking = settled(this.#reader.take(entries.length));
    }, IN_HAND_MS);
    try {
      const suspects = entries.filter((entry) => EventPreparation.needsBytes(entry));
      const bytes = new Map(
        await Promise.all(
          suspects.map(async ({ entryId }) => [entryId, await this.#reader.eventBytes(entryId)] as const),
        ),
      );
      await this.#push(await this.#prepare(entries, bytes), queue);
    } finally {
      clearTimeout(timer);
      await taking;
    }
  }

  /**
   * Runs the first entries of a lease; one of them may be what ended the owner before. The beginning is recorded before, and
   * where it was recorded already, an owner ended with the same entries in hand: then each is run by itself, and its own
   * beginning is recorded, until it is given up. So a common death costs its heir nothing. Entries of other partitions are not on
   * trial meanwhile: see {@link TrialTurns}.
   */
  async #sendInherited(entries: readonly StreamEntry[], queue: FanOutQueue): Promise<void> {
    const { lease, trialTurns } = this.#options;
    for (const [index, entry] of entries.entries()) {
      const areTogether = await trialTurns.take(async () => {
        if (lease.yielding.aborted) return false;
        const trials = await this.#reader.recordTrial(entry.entryId);
        if (index === 0 && trials === 1) return true;
        await this.#try(entry, trials, queue);
        return false;
      });
      if (areTogether) return this.#send(entries, queue);
      if (lease.yielding.aborted) break;
    }
    await queue.drain();
  }

  /** Runs one entry by itself, to its end; or gives it up. */
  async #try(entry: StreamEntry, trials: number, queue: FanOutQueue): Promise<void> {
    const { preparation, counters, lease, maxTrials, logger } = this.#options;
    if (trials <= maxTrials) await this.#send([entry], queue);
    else {
      counters.taken += 1;
      logger.error({ partition: lease.partition, entryId: entry.entryId, trials }, 'workers ended of an event');
      await this.#push([preparation.giveUp(entry, trials - 1)], queue);
    }
    await queue.drain();
  }

  async #push(items: readonly FanOutItem[], queue: FanOutQueue): Promise<void> {
    const { history } = this.#options;
    for (const batch of splitIntoBatches(items)) {
      if (history.due) await this.#verifyHistory();
      if (batch.some(({ kind }) => kind === 'park')) await this.#waitForRoomToPark();
      await queue.push(batch);
    }
  }

  /** Prepares what needs no waiting without a promise; of the rest only so many at a time. */
  async #prepare(
    entries: readonly StreamEntry[],
    bytes: ReadonlyMap<EntryId, Buffer | null>,
  ): Promise<readonly FanOutItem[]> {
    const { preparation, lease } = this.#options;
    const items: FanOutItem[] = [];
    const waiting = new Set<Promise<void>>();
    for (const [index, entry] of entries.entries()) {
      if (waiting.size >= MAX_WAITING) await Promise.race(waiting);
      const item = preparation.prepare(entry, bytes.get(entry.entryId) ?? null, lease.ended);
      if (!isPromise(item)) {
        items[index] = item;
        continue;
      }
      const placed: Promise<void> = item.then((late) => {
        items[index] = late;
        waiting.delete(placed);
      });
      waiting.add(placed);
    }
    await Promise.all(waiting);
    return items;
  }

  /**
   * Holds the partition while it has as many parked events as it may. So they are bounded by keeping their successors in the
   * backlog, whose own bound refuses publishing, and nothing is dropped.
   */
  async #waitForRoomToPark(): Promise<void> {
    const { client, keys, lease, maxParked, logger } = this.#options;
    const isFull = async (): Promise<boolean> => (await client.zcard(keys.parkedOrder)) >= maxParked;
    if (!(await isFull())) return;
    logger.error({ partition: lease.partition, maxParked }, 'too many events are parked: the partition waits');
    while (!lease.yielding.aborted && (await isFull())) await pause(PARK_POLL_MS, lease.yielding);
    if (lease.yielding.aborted) throw new FencedError(lease.partition);
  }

  #record(
    batch: readonly FanOutItem[],
    { delivered, duplicates, dead, parked }: FanOutResult,
    startedAtMs: number,
  ): void {
    const { lease, counters, history, listener, logger } = this.#options;
    counters.batches += 1;
    counters.delivered += delivered;
    counters.duplicates += duplicates;
    counters.dead += dead;
    counters.parked += parked;
    if (this.#failures > 0) logger.info({ partition: lease.partition }, 'partition works again');
    this.#failures = 0;
    this.#failureLog.recovered();
    // With a duplicate among them it is unknown which ones are in the feed.
    const last = duplicates === 0 ? batch.findLast(({ kind }) => kind === 'deliver') : undefined;
    if (last && delivered > 0) history.advance(last.entryId);
    listener.onFannedOut?.({
      partition: lease.partition,
      entries: batch.length,
      startedAtMs,
      traces: tracesOf(batch),
    });
    if (dead > 0) this.#recordDead(batch, dead);
  }

  #recordDead(batch: readonly FanOutItem[], dead: number): void {
    const { lease, counters, logger } = this.#options;
    const items = batch.filter((item) => item.kind === 'dead');
    for (const { code } of items) counters.deadByCode.set(code, (counters.deadByCode.get(code) ?? 0) + 1);
    const some = items.slice(0, 10).map(({ entryId, code }) => ({ entryId, code }));
    logger.warn({ partition: lease.partition, dead, some }, 'events were dead-lettered');
  }

  async #verifyHistory(): Promise<void> {
    const { lease, history, counters, logger } = this.#options;
    this.#requireLease();
    const { broken } = await history.verify();
    if (!broken) return;
    counters.historyBreaks += 1;
    logger.error({ partition: lease.partition }, 'Redis lost data: clients of this partition will be told of a gap');
  }

  #requireLease(): void {
    const { lease } = this.#options;
    if (!lease.held) throw new FencedError(lease.partition);
  }
}

/** Never rejects, since it may fail while something else is awaited. */
async function settled<Value>(promise: Promise<Value>): Promise<PromiseSettledResult<Value>> {
  const [outcome] = await Promise.allSettled([promise]);
  return outcome;
}

function unwrap<Value>(outcome: PromiseSettledResult<Value>): Value {
  if (outcome.status === 'rejected') throw outcome.reason;
  return outcome.value;
}

function tracesOf(batch: readonly FanOutItem[]): { readonly traceparent: string; readonly entryId: EntryId }[] {
  return batch.flatMap((item) =>
    item.kind === 'deliver' && item.traceparent !== undefined
      ? [{ traceparent: item.traceparent, entryId: item.entryId }]
      : [],
  );
}
