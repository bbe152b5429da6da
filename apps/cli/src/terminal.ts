import { createInterface } from 'node:readline/promises';
import { stripVTControlCharacters } from 'node:util';
import type { Span, Tone } from './span.ts';
import { type Column, layOut } from './table.ts';
import { cut, widthOf } from './width.ts';

/** One stream; its size is known of a terminal. */
interface Output extends Pick<NodeJS.WriteStream, 'write' | 'isTTY'> {
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
}

/** Where a command's output goes: data on stdout, words about it on stderr. */
export interface Streams {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: Output;
  readonly stderr: Output;
}

const CODES: Readonly<Record<Tone, string>> = { good: '32', warn: '33', bad: '31', dim: '2', bold: '1' };
const DEFAULT_COLUMNS = 80;
const DEFAULT_ROWS = 24;
const BAR = 24;

/** Writes for people: tables that fit, colour where there is a terminal that wants it. */
export class Terminal {
  readonly #streams: Streams;
  readonly #colours: boolean;
  /** Lines of the picture that is being drawn; `null` where lines are written as they come. */
  #picture: string[] | null = null;
  #hasDrawn = false;

  /** @see https://no-color.org */
  constructor(streams: Streams, { NO_COLOR = '', FORCE_COLOR = '', TERM }: NodeJS.ProcessEnv) {
    this.#streams = streams;
    const wanted = FORCE_COLOR !== '' && FORCE_COLOR !== '0';
    this.#colours = NO_COLOR === '' && (wanted || (streams.stdout.isTTY === true && TERM !== 'dumb'));
  }

  get isInteractive(): boolean {
    return this.#streams.stdin.isTTY === true && this.#streams.stderr.isTTY === true;
  }

  /** Columns that a line may take; a pipe takes any number. */
  get columns(): number {
    const { isTTY, columns = DEFAULT_COLUMNS } = this.#streams.stdout;
    return isTTY ? columns : Number.POSITIVE_INFINITY;
  }

  /** One line of data. What it holds may be anything; a terminal must not take it for commands. */
  line(...spans: readonly Span[]): void {
    let left = this.#picture === null ? Number.POSITIVE_INFINITY : this.columns;
    let line = '';
    for (const span of spans) {
      const whole = clean(typeof span === 'string' ? span : span.text);
      const text = Number.isFinite(left) ? cut(whole, Math.max(1, left)) : whole;
      left -= widthOf(text);
      line += typeof span === 'string' ? text : this.#paint(text, span.tone);
      if (left <= 0) break;
    }
    if (this.#picture) this.#picture.push(line);
    else this.#streams.stdout.write(`${line}\n`);
  }

  table<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): void {
    for (const line of layOut(rows, columns, { width: this.columns, clean })) this.line(...line);
  }

  /** One JSON document, as it is. */
  document(value: unknown, indent = 0): void {
    this.#streams.stdout.write(`${JSON.stringify(value, null, indent)}\n`);
  }

  /** Words about the data. */
  say(text: string): void {
    this.#streams.stderr.write(`${text.split('\n').map(clean).join('\n')}\n`);
  }

  /** How far a long task is, in place; nothing where nobody watches. @param of `null` where it is not known */
  progress(what: string, done: number, of: number | null): void {
    const { isTTY, columns = DEFAULT_COLUMNS } = this.#streams.stderr;
    if (!isTTY) return;
    const share = of === null || of === 0 ? null : Math.min(1, done / of);
    const full = Math.round((share ?? 0) * BAR);
    const bar = share === null ? '' : `${'█'.repeat(full)}${'░'.repeat(BAR - full)} ${Math.floor(share * 100)} %  `;
    this.#streams.stderr.write(`\r\u001b[K${cut(`${bar}${what}`, columns - 1)}`);
  }

  endProgress(): void {
    if (this.#streams.stderr.isTTY) this.#streams.stderr.write('\r\u001b[K');
  }

  /** Draws over the picture before, in one write, so that nothing flickers; what does not fit on the screen is counted. */
  picture(draw: () => void): void {
    const { isTTY, rows = DEFAULT_ROWS } = this.#streams.stdout;
    if (!isTTY) {
      draw();
      return;
    }
    const lines: string[] = [];
    this.#picture = lines;
    try {
      draw();
    } finally {
      this.#picture = null;
    }
    const most = Math.max(2, rows - 1);
    const over = lines.length - most;
    if (over > 0) lines.splice(most - 1, lines.length, this.#paint(`… ${over + 1} lines more than fit`, 'dim'));
    const start = this.#hasDrawn ? '\u001b[H' : '\u001b[2J\u001b[H';
    this.#hasDrawn = true;
    this.#streams.stdout.write(`${start}${lines.map((line) => `${line}\u001b[K\n`).join('')}\u001b[J`);
  }

  /** Resolves to nothing where there is no answer: the input ended, or Ctrl-C. */
  async ask(question: string): Promise<string> {
    const prompt = createInterface({ input: this.#streams.stdin, output: this.#streams.stderr as NodeJS.WriteStream });
    const closed = new Promise<string>((resolve) => prompt.once('close', () => resolve('')));
    prompt.once('SIGINT', () => this.#streams.stderr.write('\n'));
    prompt.once('SIGINT', () => prompt.close());
    try {
      return (await Promise.race([prompt.question(clean(question)), closed])).trim();
    } finally {
      prompt.close();
    }
  }

  #paint(text: string, tone: Tone): string {
    return this.#colours ? `\u001b[${CODES[tone]}m${text}\u001b[0m` : text;
  }
}

function clean(text: string): string {
  return stripVTControlCharacters(text).replaceAll(/\p{Cc}/gu, ' ');
}
