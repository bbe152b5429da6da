import * as v from 'valibot';
import { count, described, entryId, milliseconds, partitionNumber, time } from '../described.ts';
import { pageOf } from '../page.ts';
import { pauseView } from '../pauses/pause-view.ts';
import { partitionStatus } from './partition-status.ts';

/** Entries that nobody has read yet. Where it is not known, it is `null` and `lagReason` says why: never a false 0. */
export const lag = v.object({
  value: count,
  exact: described(v.boolean(), 'false: at least `value`'),
});

export type Lag = v.InferOutput<typeof lag>;

/** A partition's lag at one time, for a line of an hour. */
export const lagSample = v.object({ at: time, value: v.nullable(count), pending: count });

export type LagSample = v.InferOutput<typeof lagSample>;

export const partitionView = v.object({
  partition: partitionNumber,
  status: partitionStatus,
  statusReason: described(v.string(), 'why, in words'),
  length: described(count, 'entries of the event stream, handled ones that are not trimmed yet included'),
  backlog: described(count, 'entries that are not handled yet: waiting ones and pending ones'),
  lag: described(v.nullable(lag), 'entries waiting, that is, read by nobody'),
  lagReason: described(v.nullable(v.string()), 'why the lag is not known, or not exact'),
  oldestUndeliveredAgeMs: described(v.nullable(milliseconds), 'age of the oldest waiting entry; null where none waits'),
  oldestUnackedAgeMs: described(
    v.nullable(milliseconds),
    'age of the oldest entry that was read and not acknowledged; null where there is none',
  ),
  pending: described(count, 'entries read and not acknowledged'),
  parked: described(count, 'events put aside for a later attempt'),
  deadLetters: count,
  owner: described(v.nullable(v.string()), 'the worker that owns it; null where nobody does, or it is not known who'),
  lease: v.nullable(v.object({ token: v.string(), expiresInMs: milliseconds })),
  inPerSecond: described(v.nullable(v.number()), 'events appended, over the window of samples; null where not known'),
  outPerSecond: described(v.nullable(v.number()), 'events handled, over the window of samples; null where not known'),
  drainSeconds: described(v.nullable(v.number()), 'until nothing waits, at these rates; null where it does not fall'),
  lastAppended: v.nullable(entryId),
  done: described(entryId, 'the last entry handled'),
  feed: v.object({ length: count, bytes: count, last: v.nullable(entryId) }),
  publishing: described(v.nullable(v.string()), 'why publishing is refused now; null where it is not'),
  paused: v.nullable(pauseView),
});

export type PartitionView = v.InferOutput<typeof partitionView>;

/** A worker, and what it owns. */
export const workerView = v.object({
  id: v.string(),
  lastSeen: time,
  active: described(v.boolean(), 'false: its heartbeat is overdue'),
  partitions: v.array(partitionNumber),
});

export type WorkerView = v.InferOutput<typeof workerView>;

export const partitionsPage = pageOf(partitionView, {
  status: described(partitionStatus, 'the worst of all partitions'),
  workers: v.array(workerView),
  sampledForMs: described(milliseconds, 'how far back the samples behind statuses and rates reach'),
});

export type PartitionsPage = v.InferOutput<typeof partitionsPage>;

/** One partition, with its last hour. */
export const partitionDetail = v.object({ ...partitionView.entries, asOf: time, samples: v.array(lagSample) });

export type PartitionDetail = v.InferOutput<typeof partitionDetail>;
