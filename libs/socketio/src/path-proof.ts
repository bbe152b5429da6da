import { randomBytes } from 'node:crypto';
import { compareEntryIds, type EntryId, partitionOf } from '@rejoin/protocol';
import type { Keyspace, RedisClient } from '@rejoin/redis';
import { appendEvents, BacklogFullError, eventDigest } from '@rejoin/streams';

export interface PathProofOptions {
  readonly client: RedisClient;
  readonly keys: Keyspace;
  readonly partitions: number;
  /** How long a partition may bring nothing before a canary is sent into it, in milliseconds; 0 never sends one. */
  readonly intervalMs: number;
  /** How long a canary may take before its partition counts as interrupted, in milliseconds; 10,000 by default. */
  readonly deadlineMs?: number;
  /** A canary came back after so many milliseconds. */
  onProven?(roundTripMs: number): void;
  /** Sending a canary failed. */
  onError(error: unknown): void;
}

/** What is known of the way from publishing to this gateway's tail. */
export interface PathState {
  /** Not so only where nothing comes through in any partition: then it is this gateway's way, or everybody's. */
  readonly ready: boolean;
  readonly detail: string;
}

/** A partition's way: when it last brought something, and the canary that is on it. */
interface Way {
  provenAtMs: number;
  /** Of `performance.now()`: not before that is a canary sent. */
  dueAtMs: number;
  canary: { readonly entryId: EntryId; readonly sentAtMs: number } | undefined;
  isSending: boolean;
  /** Why nothing could be sent. */
  refusal: string | undefined;
}

/** How often is looked for ways that are due, in milliseconds. */
const LOOK_MS = 1_000;
const DEADLINE_MS = 10_000;
/** Entries that may wait for fan-out in a partition into which a canary is sent. */
const MAX_BACKLOG = 1_000_000;

/**
 * Proves that what is published comes through to this gateway: publisher, event stream, worker, feed, tail. Every entry that the
 * tail brings proves its partition's way from the worker on. Where none came for a while, the gateway publishes a canary: an
 * event like any other, of a tenant that nobody is in, for a group that nobody is in. It is in no room, so it reaches no client, is in
 * no replay, and trimming it makes no gap.
 *
 * The canaries of one gateway prove the way for all, and each waits for a random time: so a partition that is otherwise silent gets
 * about one in an interval however many gateways there are, and one with events none.
 */
export class PathProof {
  readonly #options: PathProofOptions;
  readonly #ways: readonly Way[];
  readonly #name = randomBytes(6).toString('base64url');
  #sent = 0;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;
  #roundTripMs: number | undefined;

  constructor(options: PathProofOptions) {
    this.#options = options;
    const nowMs = performance.now();
    this.#ways = Array.from({ length: options.partitions }, () => ({
      provenAtMs: nowMs,
      dueAtMs: this.#nextDueMs(nowMs),
      canary: undefined,
      isSending: false,
      refusal: undefined,
    }));
  }

  start(): void {
    const { intervalMs } = this.#options;
    if (intervalMs === 0) return;
    this.#timer = setInterval(() => this.#sendWhatIsDue(), Math.min(LOOK_MS, Math.max(10, intervalMs / 4)));
  }

  stop(): void {
    this.#isStopped = true;
    clearInterval(this.#timer);
  }

  /** The tail brought entries of a partition, at least one. */
  seen(partition: number, entries: readonly { readonly entryId: EntryId }[]): void {
    const way = this.#ways[partition] as Way;
    way.provenAtMs = performance.now();
    way.dueAtMs = 0;
    if (!way.canary) return;
    const { entryId, sentAtMs } = way.canary;
    // What the tail is beyond will not come any more.
    if (compareEntryIds(entryId, (entries.at(-1) as { entryId: EntryId }).entryId) > 0) return;
    way.canary = undefined;
    if (!entries.some((entry) => entry.entryId === entryId)) return;
    this.#roundTripMs = way.provenAtMs - sentAtMs;
    this.#options.onProven?.(this.#roundTripMs);
  }

  /** The partition's history broke, or the tail has a hole: what was on its way may never come. */
  forget(partition: number): void {
    (this.#ways[partition] as Way).canary = undefined;
  }

  get state(): PathState {
    if (this.#options.intervalMs === 0) return { ready: true, detail: 'no canaries are sent' };
    const { deadlineMs = DEADLINE_MS } = this.#options;
    const nowMs = performance.now();
    const interrupted = this.#ways.flatMap(({ canary }, partition) =>
      canary && nowMs - canary.sentAtMs > deadlineMs ? [partition] : [],
    );
    const details: string[] = [];
    if (interrupted.length > 0) details.push(`nothing comes through in partitions ${interrupted.join(', ')}`);
    const refusal = this.#ways.find((way) => way.refusal !== undefined)?.refusal;
    if (refusal !== undefined) details.push(refusal);
    if (this.#roundTripMs !== undefined) details.push(`the last canary took ${Math.round(this.#roundTripMs)} ms`);
    return {
      ready: interrupted.length < this.#ways.length,
      detail: details.join('; ') || 'no canary was needed yet',
    };
  }

  #sendWhatIsDue(): void {
    const nowMs = performance.now();
    for (const [partition, way] of this.#ways.entries()) {
      if (way.dueAtMs === 0) way.dueAtMs = this.#nextDueMs(way.provenAtMs);
      if (way.canary || way.isSending || way.dueAtMs > nowMs) continue;
      way.isSending = true;
      this.#send(partition, way).catch((error: unknown) => {
        // A canary under way does not outlive its gateway's connections.
        if (!this.#isStopped) this.#options.onError(error);
      });
    }
  }

  async #send(partition: number, way: Way): Promise<void> {
    const { client, keys, partitions } = this.#options;
    const id = `${this.#name}-${this.#sent++}`;
    const event = {
      specversion: '1.0',
      id,
      source: SOURCE,
      type: 'rejoin-canary',
      tenantid: canaryTenant(partition, partitions),
      audience: 'group:rejoin-canary',
    };
    const digest = eventDigest(event.tenantid, event.source, event.id);
    const sentAtMs = performance.now();
    // Where it fails, the next is due as if it had come through.
    way.dueAtMs = this.#nextDueMs(sentAtMs);
    way.refusal = undefined;
    try {
      const appended = await appendEvents(
        client,
        keys.partition(partition),
        [{ digest, json: JSON.stringify(event) }],
        MAX_BACKLOG,
      );
      const { entryId } = appended.events[0] as { entryId: EntryId };
      // The tail is faster than the answer, at times.
      if (way.provenAtMs < sentAtMs) way.canary = { entryId, sentAtMs };
    } catch (error) {
      if (!(error instanceof BacklogFullError)) throw error;
      // What waits is fanned out all the same.
      way.refusal = error.message;
    } finally {
      way.isSending = false;
    }
  }

  #nextDueMs(afterMs: number): number {
    return afterMs + this.#options.intervalMs * (1 + Math.random() / 2);
  }
}

const SOURCE = 'rejoin:canary';

/** A tenant of a partition, under a name that no installation gives to one. */
function canaryTenant(partition: number, partitions: number): string {
  for (let n = 0; ; n++) {
    const tenant = `rejoin:canary:${n}`;
    if (partitionOf(tenant, partitions) === partition) return tenant;
  }
}
