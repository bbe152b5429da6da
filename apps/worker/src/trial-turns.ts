/**
 * Lets the partitions of one process have entries on trial one after the other: whatever ends the process meanwhile ends it for
 * all of them, and an entry that only stood beside the one to blame would be counted, too, and given up in the end.
 */
export class TrialTurns {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `trial` when those before it are over, whatever became of them. */
  take<Value>(trial: () => Promise<Value>): Promise<Value> {
    const turn = this.#last.then(trial);
    this.#last = turn.then(ignore, ignore);
    return turn;
  }
}

/** Whoever took the turn is told. */
function ignore(): void {}
