import type { DeadLetterFilter } from '@rejoin/streams';

/** Which dead letters a task is about. */
export type TaskSelection =
  /** Ids as `formatDeadLetterId` makes them. */
  | { readonly ids: readonly string[] }
  /** Those that match and had failed when the task was asked for. */
  | { readonly filter: DeadLetterFilter };

/**
 * - `redrive`: appends dead letters again.
 * - `discard`: gives them up for good, with a tombstone each.
 * - `rehearse`: asks today's resolver for the audience that each would have; nothing is sent and nothing changed.
 */
export type TaskKind = 'redrive' | 'discard' | 'rehearse';

export interface TaskRequest {
  readonly kind: TaskKind;
  readonly selection: TaskSelection;
  /** Why; kept with the task, and in the tombstones. */
  readonly reason: string;
  readonly by?: string;
  /** The one tenant that who asks is bound to; `null` for all, the default. */
  readonly tenant?: string | null;
  /** Dead letters per second; 100 by default. */
  readonly ratePerSecond?: number;
}

/** A dead letter that was rehearsed: the rooms that it would reach, or why it would reach none. */
export type Rehearsed =
  | { readonly id: string; readonly rooms: readonly string[] }
  | { readonly id: string; readonly code: string; readonly message: string };

export interface TaskOutcomes {
  /** Appended again. */
  readonly redriven: number;
  readonly discarded: number;
  /** Were published again in the meantime; nothing was appended. */
  readonly duplicates: number;
  /** Cannot be redriven, or would have no audience in a rehearsal; they stay. */
  readonly refused: number;
  /** Were not there any more. */
  readonly gone: number;
  /** Would reach somebody, in a rehearsal. */
  readonly rehearsed: number;
}

/**
 * A task that goes through dead letters.
 *
 *     waiting ──▶ running ──▶ done
 *        │           ├──────▶ failed
 *        └───────────┴──────▶ cancelled
 */
export interface Task {
  readonly id: string;
  readonly kind: TaskKind;
  readonly state: 'waiting' | 'running' | 'done' | 'cancelled' | 'failed';
  readonly selection: TaskSelection;
  readonly reason: string;
  readonly by: string | null;
  readonly tenant: string | null;
  readonly ratePerSecond: number;
  /** Dead letters that it was to handle; `null` where they were not counted yet. */
  readonly total: number | null;
  /** Dead letters that it handled so far. */
  readonly handled: number;
  /** Exact also where workers ended while they ran it. */
  readonly outcomes: TaskOutcomes;
  /** Examples of what a rehearsal found, refusals first. */
  readonly rehearsals: readonly Rehearsed[];
  readonly askedAtMs: number;
  readonly startedAtMs: number | null;
  readonly endedAtMs: number | null;
  /** Why it failed. */
  readonly error: string | null;
}

/** What BullMQ keeps of a task that was asked for. */
export interface TaskData {
  readonly kind: TaskKind;
  readonly selection: TaskSelection;
  readonly reason: string;
  readonly by: string | null;
  readonly tenant: string | null;
  readonly ratePerSecond: number;
  readonly askedAtMs: number;
}

/** How far a task is: written after each step, and where a step is repeated after a death, the same again. */
export interface TaskProgress {
  readonly total: number | null;
  /** Where the next step begins: how many ids are behind it, or the place in the list. */
  readonly index: number;
  readonly after: string | null;
  readonly refused: number;
  readonly gone: number;
  readonly rehearsed: number;
  readonly rehearsals: readonly Rehearsed[];
}

export interface TaskResult {
  readonly isCancelled: boolean;
}

export const NO_PROGRESS: TaskProgress = {
  total: null,
  index: 0,
  after: null,
  refused: 0,
  gone: 0,
  rehearsed: 0,
  rehearsals: [],
};
