import { closeSync, openSync, readSync, writeFileSync } from 'node:fs';
import type { ChaosEvent } from './event-kinds.ts';

/** One line of what a publishing process keeps. */
export interface JournalLine {
  readonly intent?: ChaosEvent;
  readonly accepted?: string;
  /** Where it was appended; absent where that is not known yet. */
  readonly entryId?: string;
}

/** Reads a journal while it is written: each line once. */
export class JournalReader {
  readonly path: string;
  #position = 0;
  #rest = '';

  /** Begins with an empty one. */
  constructor(path: string) {
    this.path = path;
    writeFileSync(path, '');
  }

  /** The whole lines that were written since the last call. */
  read(): JournalLine[] {
    const file = openSync(this.path, 'r');
    const buffer = Buffer.alloc(64 * 1024);
    try {
      for (;;) {
        const bytes = readSync(file, buffer, 0, buffer.length, this.#position);
        if (bytes === 0) break;
        this.#position += bytes;
        this.#rest += buffer.toString('latin1', 0, bytes);
      }
    } finally {
      closeSync(file);
    }
    const lines = this.#rest.split('\n');
    this.#rest = lines.pop() as string;
    return lines.map((line) => JSON.parse(line) as JournalLine);
  }
}
