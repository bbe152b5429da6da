/**
 * How far something has come: everything up to `cursor`.
 *
 * Whether a replay is complete is known only at its end. Until then the position from which it began is presented again, or a
 * connection that breaks in the middle of a replay with a gap would resume behind the gap, and nobody would report it.
 */
export class Progress {
  cursor: string | undefined;
  /** Where a replay began whose end has not come yet. */
  replayFrom: string | undefined;

  reset(cursor?: string, replayFrom?: string): void {
    this.cursor = cursor;
    this.replayFrom = replayFrom;
  }

  /** A connection begins, and with it a replay. */
  begin(): void {
    this.replayFrom ??= this.cursor;
  }
}
