import { runChaos } from './chaos.ts';
import { parseCommandLine, USAGE, UsageError } from './command-line.ts';

const EXIT_USAGE = 2;

/** Runs as this process: exit code 0 where every guarantee held, 1 where one was broken, 2 for a wrong command line. */
export async function run(args: readonly string[]): Promise<void> {
  const interrupted = new AbortController();
  process.on('SIGINT', () => interrupted.abort());
  process.on('SIGTERM', () => interrupted.abort());
  try {
    const { seed, minutes } = parseCommandLine(args);
    const say = (text: string): void => void process.stdout.write(`${text}\n`);
    say(`seed ${seed}, ${minutes} minutes`);
    const breach = await runChaos({ seed, minutes, signal: interrupted.signal, note: say });
    if (breach) {
      say(`\n${breach.guarantee} IS BROKEN: ${breach.what}`);
      say(JSON.stringify(breach.evidence, null, 2));
      say(`\nagain: npm run chaos -- --seed ${seed} --minutes ${minutes}`);
    } else {
      say(interrupted.signal.aborted ? 'interrupted; nothing was broken until then' : 'every guarantee held');
    }
    process.exit(breach ? 1 : 0);
  } catch (error) {
    const isUsage = error instanceof UsageError;
    process.stderr.write(isUsage ? `chaos: ${error.message}\n${USAGE}` : `chaos: ${String((error as Error).stack)}\n`);
    process.exit(isUsage ? EXIT_USAGE : 1);
  }
}
