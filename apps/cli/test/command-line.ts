import { run } from '../src/run.ts';
import type { Streams } from '../src/terminal.ts';

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface CommandLineOptions {
  readonly environment?: Readonly<Record<string, string>>;
  /** A terminal of this size in place of pipes. */
  readonly terminal?: { readonly columns: number; readonly rows: number };
  readonly signal?: AbortSignal;
  /** Gets what is written to stdout, piece by piece. */
  readonly onOut?: (text: string) => void;
}

/** Runs one command line within the test's own process, off a terminal where none is given. */
export async function runCommandLine(args: readonly string[], options: CommandLineOptions = {}): Promise<Outcome> {
  const written = { out: '', err: '' };
  const { environment = {}, terminal, signal, onOut } = options;
  const sink = (to: 'out' | 'err') => ({
    isTTY: terminal !== undefined,
    ...terminal,
    write(text: string) {
      written[to] += text;
      if (to === 'out') onOut?.(text);
      return true;
    },
  });
  const streams = { stdin: { isTTY: false }, stdout: sink('out'), stderr: sink('err') } as unknown as Streams;
  const code = await run(args, { streams, environment, ...(signal ? { signal } : {}) });
  return { code, ...written };
}
