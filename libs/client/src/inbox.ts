import { compareEntryIds, parseCursor } from '@rejoin/protocol';

/** `known`: received before, on an earlier connection. `disordered`: older than what came before it on this connection. */
type Verdict = 'new' | 'known' | 'disordered';

/** Negative, zero or positive as `a` is before, at or after `b`; `NaN` where they are of different histories, or none. */
export function compareCursors(a: string | undefined, b: string | undefined): number {
  const [one, two] = [parseCursor(a), parseCursor(b)];
  if (!one || !two || one.epoch !== two.epoch || one.partition !== two.partition) return Number.NaN;
  return compareEntryIds(one.entryId, two.entryId);
}

/** Whether it is news behind `b`, which everything is that cannot be compared. */
function isNews(a: string, b: string | undefined): boolean {
  return !(compareCursors(a, b) <= 0);
}

/**
 * What has been received, which is more than what has been handled.
 *
 * Whether a replay is complete is known only at its end. Until then the position from which it began is presented again, or a
 * connection that breaks in the middle of a replay with a gap would resume behind the gap, and nobody would report it. What is
 * sent twice on account of this is dropped here.
 */
export class Inbox {
  /** Everything up to here was received. */
  received: string | undefined;
  #replayFrom: string | undefined;
  #connectionLast: string | undefined;

  /** Where to resume. */
  get position(): string | undefined {
    return this.#replayFrom ?? this.received;
  }

  reset(received?: string, replayFrom?: string): void {
    this.received = received;
    this.#replayFrom = replayFrom;
    this.#connectionLast = undefined;
  }

  /** A connection begins. */
  begin(): void {
    this.#replayFrom ??= this.received;
    this.#connectionLast = undefined;
  }

  judge(cursor: string): Verdict {
    if (!isNews(cursor, this.#connectionLast)) return 'disordered';
    this.#connectionLast = cursor;
    if (!isNews(cursor, this.received)) return 'known';
    this.received = cursor;
    return 'new';
  }

  /** The replay has ended: nothing up to `cursor` is outstanding. */
  finish(cursor: string): void {
    this.#replayFrom = undefined;
    this.advance(cursor);
  }

  advance(cursor: string): void {
    if (isNews(cursor, this.received)) this.received = cursor;
    if (isNews(cursor, this.#connectionLast)) this.#connectionLast = cursor;
  }
}
