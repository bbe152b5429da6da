import { setTimeout as delay } from 'node:timers/promises';
import type { Look } from './operator-looks.ts';
import type { OpsProcess } from './ops-process.ts';

/** Milliseconds between two looks: somebody who goes through the pages of the console, and hardly stops to read. */
const EVERY_MS = 2_000;

/** An operator who looks at one list after the other, over and over. */
export class LookingOperator {
  #isOver = false;
  readonly #done: Promise<number>;

  constructor(ops: OpsProcess, looks: readonly Look[]) {
    this.#done = this.#look(ops, looks);
  }

  /** Resolves to how many looks there were. */
  stop(): Promise<number> {
    this.#isOver = true;
    return this.#done;
  }

  async #look(ops: OpsProcess, looks: readonly Look[]): Promise<number> {
    let count = 0;
    while (!this.#isOver) {
      const { path } = looks[count % looks.length] as Look;
      const next = delay(EVERY_MS);
      await ops.get(path);
      count += 1;
      await next;
    }
    return count;
  }
}
