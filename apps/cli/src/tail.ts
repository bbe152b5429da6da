import type { EventsPage, EventView } from '@rejoin/operations';
import type { OperatorApi, Query } from './operator-api.ts';

const PAGE = 500;
/** Masters of a cluster keep their own time: what is appended by a slow clock is looked for as far back as this, in milliseconds. */
const OVERLAP_MS = 2_000;

/** Events after a time, each once, in the order of their appending as far as clocks agree. */
export class Tail {
  static readonly PAUSE_MS = 500;
  readonly #api: OperatorApi;
  readonly #filter: Query;
  /** RFC 3339, or a span; `null` before the server has said what time it is. */
  #since: string | null;
  #hasBegun = false;
  /** Cursors of what was shown, and when it was appended. */
  readonly #shown = new Map<string, number>();

  constructor(api: OperatorApi, { since, ...filter }: Query) {
    this.#api = api;
    this.#filter = filter;
    this.#since = typeof since === 'string' ? since : null;
  }

  /** Whether the API has answered at all. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** What is new, up to now. */
  async *read(signal: AbortSignal): AsyncGenerator<EventView> {
    const query = { ...this.#filter, order: 'oldest', limit: PAGE };
    if (this.#since === null) {
      // The server's time, not this machine's.
      const { asOf } = await this.#api.get<EventsPage>('/v1/events', { ...query, since: '1s', limit: 1 });
      this.#since = asOf;
    }
    const since = this.#since;
    let after: string | undefined;
    let begunAt: string | null = null;
    do {
      const page: EventsPage = await this.#api.get<EventsPage>('/v1/events', { ...query, since, after });
      this.#hasBegun = true;
      begunAt ??= page.asOf;
      for (const event of page.items) {
        if (this.#shown.has(event.cursor)) continue;
        this.#shown.set(event.cursor, Date.parse(event.appendedAt));
        yield event;
      }
      after = page.next ?? undefined;
    } while (after !== undefined && !signal.aborted);
    this.#goOnFrom(Date.parse(begunAt) - OVERLAP_MS, since);
  }

  /** Everything from before is shown, so it need not be remembered. */
  #goOnFrom(sinceMs: number, before: string): void {
    const beforeMs = Date.parse(before);
    const from = Number.isNaN(beforeMs) ? sinceMs : Math.max(sinceMs, beforeMs);
    this.#since = new Date(from).toISOString();
    for (const [cursor, appendedMs] of this.#shown) if (appendedMs < from) this.#shown.delete(cursor);
  }
}
