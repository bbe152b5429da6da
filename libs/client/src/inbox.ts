import { compareCursors } from './cursor-order.ts';
import { Progress } from './progress.ts';

/** `known`: received before, on an earlier connection. `disordered`: older than what came before it on this connection. */
type Verdict = 'new' | 'known' | 'disordered';

/** Whether it is news behind `b`, which everything is that cannot be compared. */
function isNews(a: string, b: string | undefined): boolean {
  return !(compareCursors(a, b) <= 0);
}

/** What has been received, which is more than what has been handled. What a repeated replay sends twice is dropped here. */
export class Inbox extends Progress {
  #connectionLast: string | undefined;

  /** Where to resume. */
  get position(): string | undefined {
    return this.replayFrom ?? this.cursor;
  }

  override begin(): void {
    super.begin();
    this.#connectionLast = undefined;
  }

  judge(cursor: string): Verdict {
    if (!isNews(cursor, this.#connectionLast)) return 'disordered';
    this.#connectionLast = cursor;
    if (!isNews(cursor, this.cursor)) return 'known';
    this.cursor = cursor;
    return 'new';
  }

  advance(cursor: string): void {
    if (isNews(cursor, this.cursor)) this.cursor = cursor;
    if (isNews(cursor, this.#connectionLast)) this.#connectionLast = cursor;
  }
}
