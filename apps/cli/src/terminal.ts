import { createInterface } from 'node:readline/promises';
import { stripVTControlCharacters } from 'node:util';

export type Tone = 'good' | 'warn' | 'bad' | 'dim' | 'bold';

const CODES: Readonly<Record<Tone, string>> = { good: '32', warn: '33', bad: '31', dim: '2', bold: '1' };

/** Where a command's output goes: data on stdout, words about it on stderr. */
export interface Streams {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: Pick<NodeJS.WriteStream, 'write' | 'isTTY' | 'columns'>;
  readonly stderr: Pick<NodeJS.WriteStream, 'write' | 'isTTY'>;
}

/** A column of a table: how its cells are made. */
export interface Column<Row> {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** Text that says the same as its tone: nothing is told by colour alone. */
  cell(row: Row): string | { readonly text: string; readonly tone: Tone };
}

const GAP = 2;
const MIN_WIDTH = 6;

/** Writes for people: tables that fit, colour where there is a terminal that wants it. */
export class Terminal {
  readonly #streams: Streams;
  readonly #colours: boolean;

  constructor(streams: Streams, environment: NodeJS.ProcessEnv) {
    this.#streams = streams;
    const { NO_COLOR, FORCE_COLOR } = environment;
    this.#colours =
      NO_COLOR === undefined || NO_COLOR === '' ? Boolean(FORCE_COLOR) || streams.stdout.isTTY === true : false;
  }

  get isInteractive(): boolean {
    return this.#streams.stdin.isTTY === true && this.#streams.stderr.isTTY === true;
  }

  paint(text: string, tone: Tone): string {
    return this.#colours ? `\u001b[${CODES[tone]}m${text}\u001b[0m` : text;
  }

  line(text = ''): void {
    this.#streams.stdout.write(`${text}\n`);
  }

  /** Words about the data. */
  say(text: string): void {
    this.#streams.stderr.write(`${text}\n`);
  }

  /** Progress, in place; nothing where nobody watches. */
  progress(text: string): void {
    if (this.#streams.stderr.isTTY) this.#streams.stderr.write(`\r\u001b[K${text}`);
  }

  endProgress(): void {
    if (this.#streams.stderr.isTTY) this.#streams.stderr.write('\r\u001b[K');
  }

  /** Begins a picture that takes the place of the one before. */
  redraw(): void {
    if (this.#streams.stdout.isTTY) this.#streams.stdout.write('\u001b[H\u001b[J');
  }

  async ask(question: string): Promise<string> {
    const prompt = createInterface({ input: this.#streams.stdin, output: this.#streams.stderr as NodeJS.WriteStream });
    try {
      return (await prompt.question(question)).trim();
    } finally {
      prompt.close();
    }
  }

  table<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): void {
    const cells = rows.map((row) => columns.map((column) => column.cell(row)));
    const texts = cells.map((line) => line.map((cell) => clean(typeof cell === 'string' ? cell : cell.text)));
    const widths = this.#fit(
      columns.map(({ title }, at) => Math.max(title.length, ...texts.map((line) => (line[at] as string).length))),
    );
    this.line(
      columns
        .map(({ title, align }, at) => this.paint(pad(title, widths[at] as number, align), 'bold'))
        .join('  ')
        .trimEnd(),
    );
    for (const [number, line] of texts.entries()) {
      const painted = line.map((text, at) => {
        const cell = cells[number]?.[at];
        const padded = pad(text, widths[at] as number, columns[at]?.align);
        return typeof cell === 'object' ? this.paint(padded, cell.tone) : padded;
      });
      this.line(painted.join(' '.repeat(GAP)).trimEnd());
    }
  }

  /** Takes from the widest columns what the terminal lacks. */
  #fit(wanted: readonly number[]): number[] {
    const widths = [...wanted];
    const available =
      (this.#streams.stdout.isTTY ? (this.#streams.stdout.columns ?? 80) : Number.POSITIVE_INFINITY) -
      GAP * (widths.length - 1);
    let excess = widths.reduce((sum, width) => sum + width, 0) - available;
    while (excess > 0) {
      const widest = widths.indexOf(Math.max(...widths));
      if ((widths[widest] as number) <= MIN_WIDTH) break;
      widths[widest] = (widths[widest] as number) - 1;
      excess -= 1;
    }
    return widths;
  }
}

/** What events hold may be anything; a terminal must not take it for commands. */
function clean(text: string): string {
  return stripVTControlCharacters(text).replaceAll(/\p{Cc}/gu, ' ');
}

function pad(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const cut = text.length > width ? `${text.slice(0, Math.max(0, width - 1))}…` : text;
  return align === 'right' ? cut.padStart(width) : cut.padEnd(width);
}
