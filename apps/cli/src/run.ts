import { CommanderError } from 'commander';
import { CHECK } from './commands/check.ts';
import { Context } from './context.ts';
import { CommandError, EXIT } from './exit-code.ts';
import { createProgram } from './program.ts';
import type { Streams } from './terminal.ts';

export interface RunOptions {
  readonly streams?: Streams;
  readonly environment?: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal;
}

/** Runs one command line; resolves to the exit code. */
export async function run(args: readonly string[], options: RunOptions = {}): Promise<number> {
  const { streams = process, environment = process.env } = options;
  const ending = new AbortController();
  const end = (): void => ending.abort();
  process.once('SIGINT', end).once('SIGTERM', end);
  const signal = options.signal ? AbortSignal.any([options.signal, ending.signal]) : ending.signal;
  const context = new Context(streams, environment, signal);
  try {
    await createProgram(context, streams).parseAsync([...args], { from: 'user' });
    return context.exitCode;
  } catch (error) {
    // Commander has said what is wrong; help and version are no failures.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : usageExitOf(args);
    if (!(error instanceof CommandError)) throw error;
    context.terminal.say(`rejoin: ${error.message}`);
    return error.exitCode;
  } finally {
    process.off('SIGINT', end).off('SIGTERM', end);
  }
}

/** A check that was asked for wrongly knows nothing; 2 would be taken for an alarm. */
function usageExitOf(args: readonly string[]): number {
  return args.includes('check') ? CHECK.unknown : EXIT.usage;
}
