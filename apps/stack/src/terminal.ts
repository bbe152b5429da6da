/** Where the supervisor says what it does. One line each; nothing is rewritten, so a log of it reads well. */
export class Terminal {
  readonly #write: (text: string) => void;

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  /** Says that something is done, and how long it took. */
  done(what: string, startedAtMs: number): void {
    this.line(`✓ ${what} (${((performance.now() - startedAtMs) / 1000).toFixed(1)} s)`);
  }

  info(name: string, message: string): void {
    this.line(`• ${name}: ${message}`);
  }

  warn(name: string, message: string): void {
    this.line(`! ${name}: ${message}`);
  }

  error(name: string, message: string): void {
    this.line(`✗ ${name}: ${message}`);
  }

  /** Aligns the columns of rows. */
  table(rows: readonly (readonly string[])[]): void {
    const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
    for (const row of rows) {
      this.line(`  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd());
    }
  }

  line(text = ''): void {
    this.#write(`${text}\n`);
  }
}
