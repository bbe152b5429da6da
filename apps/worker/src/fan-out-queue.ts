import { type FanOut, type FanOutItem, type FanOutResult, takesSteps } from '@rejoin/feed';
import type { EntryId } from '@rejoin/protocol';
import { FencedError, type PartitionLease } from '@rejoin/streams';

/** Batches on their way at once. One is being run by Redis while the next one is being prepared and sent. */
const MAX_IN_FLIGHT = 2;

/**
 * Sends batches to fan-out one behind the other without waiting for each reply. Order is safe: they travel on one
 * connection, and the script refuses a batch whose predecessor was not run. The first failure ends the queue.
 */
export class FanOutQueue {
  /** Aborted by the first failure, which the next call throws. */
  readonly failed: AbortSignal;
  readonly #failed = new AbortController();
  readonly #lease: PartitionLease;
  readonly #fanOut: FanOut;
  readonly #onResult: (batch: readonly FanOutItem[], result: FanOutResult, startedAtMs: number) => void;
  readonly #inFlight: Promise<void>[] = [];
  /** The entry behind which the next batch stands. */
  #position: EntryId;
  #error: unknown;

  /** @param position the last entry that was handled */
  constructor(
    lease: PartitionLease,
    fanOut: FanOut,
    position: EntryId,
    onResult: (batch: readonly FanOutItem[], result: FanOutResult, startedAtMs: number) => void,
  ) {
    this.#lease = lease;
    this.#fanOut = fanOut;
    this.#position = position;
    this.#onResult = onResult;
    this.failed = this.#failed.signal;
  }

  /** Resolves when the batch is on its way and there is room for another. */
  async push(batch: readonly FanOutItem[]): Promise<void> {
    while (this.#inFlight.length >= MAX_IN_FLIGHT) await this.#inFlight[0];
    this.#throwFailure();
    if (!this.#lease.held) throw new FencedError(this.#lease.partition);
    const after = this.#position;
    this.#position = batch.at(-1)?.entryId ?? after;
    const run = this.#run(after, batch).finally(() => this.#inFlight.splice(this.#inFlight.indexOf(run), 1));
    this.#inFlight.push(run);
    // The next batch would overtake its later steps.
    if (batch.some(takesSteps)) await run;
  }

  /** Resolves when every batch was run. */
  async drain(): Promise<void> {
    await this.settle();
    this.#throwFailure();
  }

  /** Resolves when no batch is on its way any more, whatever became of them. */
  async settle(): Promise<void> {
    await Promise.all(this.#inFlight);
  }

  #throwFailure(): void {
    if (this.failed.aborted) throw this.#error;
  }

  async #run(after: EntryId, batch: readonly FanOutItem[]): Promise<void> {
    try {
      const startedAtMs = Date.now();
      const result = await this.#fanOut.run(this.#lease.token, after, batch);
      this.#onResult(batch, result, startedAtMs);
    } catch (error) {
      if (this.failed.aborted) return;
      this.#error = error;
      this.#failed.abort();
    }
  }
}
