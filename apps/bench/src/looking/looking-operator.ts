import type { Socket } from 'socket.io-client';
import type { OpsProcess } from '../ops-process.ts';
import { OPEN_PAGES, type Repeated } from './open-pages.ts';
import type { Look } from './operator-looks.ts';

/** Milliseconds between two lists that are opened: somebody who reads what each says, if quickly. */
const LIST_EVERY_MS = 5_000;

/**
 * An operator at work: three pages of the console are open and in sight, and besides one list after the other is opened, those with
 * filters that match nothing and so look furthest among them. Between two spells of looking its clock stands still, so that
 * each request comes as often in all of them together as it would in one.
 */
export class LookingOperator {
  readonly #ops: OpsProcess;
  readonly #pages: readonly Socket[];
  readonly #tasks: { readonly everyMs: number; dueMs: number; next(): string }[];
  /** How long it has looked, without the spell under way. */
  #lookedMs = 0;
  #startedAtMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #failure: Error | undefined;
  readonly #underWay = new Set<Promise<void>>();

  private constructor(ops: OpsProcess, pages: readonly Socket[], lists: readonly Look[]) {
    this.#ops = ops;
    this.#pages = pages;
    let opened = 0;
    const asks = OPEN_PAGES.flatMap((page) => page.asks);
    this.#tasks = [
      ...asks.map(({ everyMs, path }: Repeated, n) => ({
        everyMs,
        dueMs: (everyMs * n) / asks.length,
        next: () => path,
      })),
      { everyMs: LIST_EVERY_MS, dueMs: 0, next: () => (lists[opened++ % lists.length] as Look).path },
    ];
  }

  static async open(ops: OpsProcess, lists: readonly Look[]): Promise<LookingOperator> {
    return new LookingOperator(ops, await Promise.all(OPEN_PAGES.map(() => ops.live())), lists);
  }

  look(): void {
    for (const page of this.#pages) page.emit('watch');
    this.#startedAtMs = performance.now();
    this.#wait();
  }

  /**
   * Resolves when nothing is under way any more.
   * @throws what a request failed with
   */
  async rest(): Promise<void> {
    clearTimeout(this.#timer);
    for (const page of this.#pages) page.emit('unwatch');
    this.#lookedMs += performance.now() - (this.#startedAtMs ?? performance.now());
    this.#startedAtMs = undefined;
    await Promise.all(this.#underWay);
    if (this.#failure !== undefined) throw this.#failure;
  }

  close(): void {
    for (const page of this.#pages) page.disconnect();
  }

  #wait(): void {
    const nowMs = this.#lookedMs + performance.now() - (this.#startedAtMs ?? 0);
    for (const task of this.#tasks) {
      if (task.dueMs > nowMs) continue;
      task.dueMs += task.everyMs;
      const asking: Promise<void> = this.#ops.get(task.next()).then(
        () => void this.#underWay.delete(asking),
        (error: unknown) => {
          this.#failure = error instanceof Error ? error : new Error(String(error));
        },
      );
      this.#underWay.add(asking);
    }
    const dueMs = Math.min(...this.#tasks.map((task) => task.dueMs));
    this.#timer = setTimeout(() => this.#wait(), Math.max(0, dueMs - nowMs));
  }
}
