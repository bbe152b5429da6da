import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where a stack is reached and how its tokens are made, for the `rejoin` command line beside it. Nothing in it is secret. */
export interface Running {
  readonly pid: number;
  readonly ops: string;
  readonly gateways: readonly string[];
  readonly demo: string | undefined;
  /** Whether tokens are signed with the secret in the same directory. */
  readonly signsTokens: boolean;
  readonly issuer: string | undefined;
  readonly audience: string | undefined;
}

/** `<data directory>/running.json`: there while the stack runs, and complete or not at all. */
export class RunningFile {
  readonly #path: string;

  constructor(dataDirectory: string) {
    this.#path = join(dataDirectory, 'running.json');
  }

  write(running: Running): void {
    const draft = `${this.#path}.${running.pid}`;
    writeFileSync(draft, `${JSON.stringify(running, null, 2)}\n`, { mode: 0o600 });
    renameSync(draft, this.#path);
  }

  remove(): void {
    rmSync(this.#path, { force: true });
  }
}
