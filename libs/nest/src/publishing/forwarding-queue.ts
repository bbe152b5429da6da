import type { Publisher } from '@rejoin/publisher';
import { ForwardingStoppedError, ForwardQueueFullError } from './errors.ts';
import type { ForwardableEvent } from './event-mapping.ts';
import type { ForwardingSettings } from './publishing-options.ts';
import { type QueuedEvent, TenantLane } from './tenant-lane.ts';

/** Holds events until Redis has them, a bounded number of them, each tenant's in a lane of its own. */
export class ForwardingQueue {
  readonly #publisher: Pick<Publisher, 'publishBatch'>;
  readonly #settings: ForwardingSettings;
  readonly #onFailed: (event: QueuedEvent, error: Error) => void;
  readonly #lanes = new Map<string, TenantLane>();
  #events = 0;
  #bytes = 0;
  #stopped = false;
  #hurries = false;
  #whenEmpty: (() => void) | undefined;

  /** @param onFailed told of each event that was accepted and is not published after all */
  constructor(
    publisher: Pick<Publisher, 'publishBatch'>,
    settings: ForwardingSettings,
    onFailed: (event: QueuedEvent, error: Error) => void,
  ) {
    this.#publisher = publisher;
    this.#settings = settings;
    this.#onFailed = onFailed;
  }

  /**
   * Takes charge of an event.
   * @throws ForwardQueueFullError, ForwardingStoppedError
   */
  accept(event: ForwardableEvent, name: string): void {
    if (this.#stopped) throw new ForwardingStoppedError('the application has stopped');
    const { maxQueuedEvents, maxQueuedBytes, giveUpAfterMs } = this.#settings;
    if (this.#events + 1 > maxQueuedEvents || this.#bytes + event.bytes > maxQueuedBytes) {
      throw new ForwardQueueFullError(
        `${this.#events} events of ${this.#bytes} bytes wait to be forwarded; ` +
          `at most ${maxQueuedEvents} of ${maxQueuedBytes} bytes may`,
      );
    }
    this.#events += 1;
    this.#bytes += event.bytes;
    this.#laneOf(event.tenantId).push({ ...event, name, deadline: performance.now() + giveUpAfterMs });
  }

  /**
   * Hurries, and waits until everything accepted is settled, at most so many milliseconds.
   * @returns whether it is
   */
  async flush(timeoutMs: number): Promise<boolean> {
    this.#hurries = true;
    for (const lane of this.#lanes.values()) lane.hurry();
    if (this.#events === 0) return true;
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), timeoutMs);
      this.#whenEmpty = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }

  /** Takes nothing more, and gives up what is not settled. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    const reason = new ForwardingStoppedError('the application stopped before Redis confirmed the event');
    for (const lane of this.#lanes.values()) lane.stop(reason);
  }

  #laneOf(tenantId: string): TenantLane {
    let lane = this.#lanes.get(tenantId);
    if (!lane) {
      lane = new TenantLane({
        publisher: this.#publisher,
        onSettled: (event, error) => this.#onSettled(event, error),
        onIdle: () => void this.#lanes.delete(tenantId),
      });
      if (this.#hurries) lane.hurry();
      this.#lanes.set(tenantId, lane);
    }
    return lane;
  }

  #onSettled(event: QueuedEvent, error: Error | undefined): void {
    this.#events -= 1;
    this.#bytes -= event.bytes;
    if (error) this.#onFailed(event, error);
    if (this.#events === 0) this.#whenEmpty?.();
  }
}
