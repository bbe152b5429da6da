import { closeSync, existsSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * A program's log. The previous run's is kept beside it as `<name>.1`; so is the older part of one that grows beyond `maxBytes`
 * (32 MiB by default), whereby two files of that size are all that a program ever takes.
 */
export class LogFile {
  readonly path: string;
  readonly #maxBytes: number;
  #descriptor: number;
  #bytes = 0;

  constructor(path: string, maxBytes = 32 * 1024 ** 2) {
    this.path = path;
    this.#maxBytes = maxBytes;
    mkdirSync(dirname(path), { recursive: true });
    this.#descriptor = this.#open();
  }

  write(text: string): void {
    if (this.#bytes > this.#maxBytes) {
      closeSync(this.#descriptor);
      this.#descriptor = this.#open();
      this.#bytes = 0;
    }
    this.#bytes += writeSync(this.#descriptor, text);
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #open(): number {
    if (existsSync(this.path)) renameSync(this.path, `${this.path}.1`);
    return openSync(this.path, 'a', 0o600);
  }
}
