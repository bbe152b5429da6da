import { compareEntryIds, parseCursor } from '@rejoin/protocol';

/** `known`: received before, on an earlier connection. `disordered`: older than what came before it on this connection. */
export type Verdict = 'new' | 'known' | 'disordered';

/** Whether `a` is later than `b`; cursors of different histories cannot be compared, and then anything is later. */
function isLater(a: string, b: string | undefined): boolean {
  const [one, two] = [parseCursor(a), parseCursor(b)];
  if (!one || !two || one.epoch !== two.epoch || one.partition !== two.partition) return true;
  return compareEntryIds(one.entryId, two.entryId) > 0;
}

/**
 * What has been received, which is more than what has been handled.
 *
 * Whether a replay is complete is known only at its end. Until then the position from which it began is presented again, or a
 * connection that breaks in the middle of a replay with a gap would resume behind the gap, and nobody would report it. What is
 * sent twice on account of this is dropped here.
 */
export class Inbox {
  #received: string | undefined;
  #replayFrom: string | undefined;
  #connectionLast: string | undefined;

  /** Where to resume. */
  get position(): string | undefined {
    return this.#replayFrom ?? this.#received;
  }

  /** Everything up to here was received. */
  get received(): string | undefined {
    return this.#received;
  }

  reset(received?: string, replayFrom?: string): void {
    this.#received = received;
    this.#replayFrom = replayFrom;
    this.#connectionLast = undefined;
  }

  /** A connection begins. */
  begin(): void {
    this.#replayFrom ??= this.#received;
    this.#connectionLast = undefined;
  }

  judge(cursor: string): Verdict {
    if (!isLater(cursor, this.#connectionLast)) return 'disordered';
    this.#connectionLast = cursor;
    if (!isLater(cursor, this.#received)) return 'known';
    this.#received = cursor;
    return 'new';
  }

  /** The replay has ended: nothing up to `cursor` is outstanding. */
  finish(cursor: string): void {
    this.#replayFrom = undefined;
    this.advance(cursor);
  }

  advance(cursor: string): void {
    if (isLater(cursor, this.#received)) this.#received = cursor;
    if (isLater(cursor, this.#connectionLast)) this.#connectionLast = cursor;
  }
}
