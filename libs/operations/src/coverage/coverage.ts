import { compareEntryIds, ENTRY_ID_ZERO, type EntryId, entryIdTimeMs } from '@rejoin/protocol';
import type { CursorsReply, GatewayControl } from '@rejoin/socketio';
import { type Actor, requireAllTenants } from '../actor.ts';
import type { PartitionSample } from '../partitions/partition-sample.ts';
import type { Sampler } from '../partitions/sampler.ts';
import type { CoveragePage, CoverageView } from './coverage-view.ts';

export interface CoverageBounds {
  readonly windowMs: number;
  /** Feed bytes over all partitions. */
  readonly maxBytes: number;
}

const HOUR_MS = 3_600_000;
/** What changes in hours may have been looked at a little ago, in milliseconds. */
const FRESH_MS = 1_000;

/** How far back clients may resume, and whether those that are known still can. */
export class Coverage {
  readonly #sampler: Sampler;
  readonly #control: GatewayControl;
  readonly #partitions: number;
  readonly #bounds: CoverageBounds;

  constructor(sampler: Sampler, control: GatewayControl, partitions: number, bounds: CoverageBounds) {
    this.#sampler = sampler;
    this.#control = control;
    this.#partitions = partitions;
    this.#bounds = bounds;
  }

  /** @throws OperationError */
  async list(actor: Actor): Promise<CoveragePage> {
    requireAllTenants(actor);
    await this.#sampler.look(FRESH_MS);
    const samples = Array.from(
      { length: this.#partitions },
      (_, partition) => this.#sampler.window(partition).at(-1) as PartitionSample,
    );
    const answers = await this.#control.ask({ kind: 'cursors', floors: samples.map(({ floor }) => floor) });
    const replies = answers.flatMap(({ reply }) => reply ?? []);
    const totalBytes = samples.reduce((sum, { feed }) => sum + feed.bytes, 0);
    return {
      items: samples.map((sample) => this.#view(sample, totalBytes, replies)),
      next: null,
      asOf: new Date(this.#sampler.nowMs).toISOString(),
      unanswered: answers.filter(({ reply }) => reply === null).map(({ gateway }) => gateway),
    };
  }

  #view(
    { partition, atMs, floor, feed }: PartitionSample,
    totalBytes: number,
    replies: readonly CursorsReply[],
  ): CoverageView {
    const { windowMs, maxBytes } = this.#bounds;
    const floorMs = floor === ENTRY_ID_ZERO ? 0 : entryIdTimeMs(floor);
    const oldestMs = Math.max(floorMs, atMs - windowMs);
    const bytesPerHour = rateOf(feed, atMs);
    const share = totalBytes === 0 ? 0 : (feed.bytes / totalBytes) * maxBytes;
    const full = bytesPerHour === null || bytesPerHour === 0 ? null : (share / bytesPerHour) * HOUR_MS;
    const forecastMs = bytesPerHour === null ? null : Math.min(windowMs, Math.round(full ?? windowMs));
    const known = replies.flatMap(({ partitions }) => partitions[partition] ?? []);
    const oldest = known.reduce<EntryId | null>(
      (least, { oldest: id }) => (id !== null && (least === null || compareEntryIds(id, least) < 0) ? id : least),
      null,
    );
    const horizonMs = Math.min(windowMs, forecastMs ?? windowMs);
    return {
      partition,
      windowMs,
      coveredMs: Math.min(windowMs, atMs - oldestMs),
      oldestResumable: new Date(oldestMs).toISOString(),
      floor,
      // Trimming by age leaves the floor about a window back; one that is younger was trimmed for its bytes.
      limitedBy: floorMs === 0 ? 'youth' : floorMs > atMs - windowMs + 60_000 ? 'bytes' : 'window',
      feedEntries: feed.length,
      feedBytes: feed.bytes,
      bytesPerHour: bytesPerHour === null ? null : Math.round(bytesPerHour),
      forecastMs,
      cursorsKnown: known.reduce((sum, { known: count }) => sum + count, 0),
      cursorsOutside: known.reduce((sum, { outside }) => sum + outside, 0),
      hoursUntilOutside:
        oldest === null || oldest === ENTRY_ID_ZERO
          ? null
          : Math.max(0, (entryIdTimeMs(oldest) + horizonMs - atMs) / HOUR_MS),
    };
  }
}

/** Bytes an hour, over what the feed holds; not known of one that spans less than a minute. */
function rateOf({ bytes, first }: PartitionSample['feed'], atMs: number): number | null {
  if (first === null) return bytes === 0 ? 0 : null;
  const span = atMs - entryIdTimeMs(first);
  return span < 60_000 ? null : (bytes / span) * HOUR_MS;
}
