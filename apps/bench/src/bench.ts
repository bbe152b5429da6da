import { Lifecycle } from '@rejoin/runtime';
import { type CommandLine, parseCommandLine, usage } from './command-line.ts';
import { describeEnvironment } from './environment.ts';
import { BenchError } from './errors.ts';
import { formatResult } from './report.ts';
import { type RecordedResult, recordResult } from './results.ts';
import type { Scenario } from './scenario.ts';
import { fairness } from './scenarios/fairness.ts';
import { fanout } from './scenarios/fanout.ts';
import { idle } from './scenarios/idle.ts';
import { latency } from './scenarios/latency.ts';
import { operators } from './scenarios/operators.ts';
import { reconnect } from './scenarios/reconnect.ts';
import { soak } from './scenarios/soak.ts';
import { stalled } from './scenarios/stalled.ts';
import { storm } from './scenarios/storm.ts';
import { throughput } from './scenarios/throughput.ts';
import { workers } from './scenarios/workers.ts';

const SCENARIOS = new Map<string, Scenario>(
  [storm, reconnect, throughput, latency, fanout, idle, soak, stalled, fairness, workers, operators].map((scenario) => [
    scenario.name,
    scenario,
  ]),
);
const EXIT_USAGE = 2;

/** Runs one scenario as this process: data on standard output, progress on standard error, nothing left behind. */
export async function runBench(args: readonly string[]): Promise<void> {
  const names = [...SCENARIOS.keys()];
  const lifecycle = new Lifecycle();
  let interrupted = false;
  const interrupt = (exitCode: number): void => {
    if (interrupted) return;
    interrupted = true;
    lifecycle.stop().then(
      () => process.exit(exitCode),
      (error: unknown) => {
        process.stderr.write(`bench: ${String(error)}\n`);
        process.exit(exitCode);
      },
    );
  };
  // The exit codes of a process that the signal ends (128 and its number).
  process.on('SIGINT', () => interrupt(130));
  process.on('SIGTERM', () => interrupt(143));
  process.on('SIGHUP', () => interrupt(129));
  try {
    const commandLine = parseCommandLine(args, names);
    const result = await measure(commandLine, lifecycle);
    await lifecycle.stop();
    process.stdout.write(commandLine.json ? `${JSON.stringify(result, null, 2)}\n` : formatResult(result));
    if (commandLine.record) recordResult(result, names);
  } catch (error) {
    // What an interruption cuts off fails, which is no news.
    if (interrupted) return;
    const known = error instanceof BenchError;
    process.stderr.write(`bench: ${known ? error.message : String((error as Error).stack)}\n`);
    if (known && error.code === 'USAGE') process.stderr.write(usage(names));
    process.exitCode = known && error.code === 'USAGE' ? EXIT_USAGE : 1;
    await lifecycle.stop();
  }
}

async function measure(commandLine: CommandLine, lifecycle: Lifecycle): Promise<RecordedResult> {
  const { scenario, quick, profileDirectory } = commandLine;
  const startedAt = performance.now();
  const measuredAt = new Date().toISOString();
  const result = await (SCENARIOS.get(scenario) as Scenario).run({
    lifecycle,
    quick,
    ...(profileDirectory === undefined ? {} : { profileDirectory }),
    note: (text) =>
      process.stderr.write(`${((performance.now() - startedAt) / 1_000).toFixed(1).padStart(6)} s  ${text}\n`),
  });
  return {
    scenario,
    measuredAt,
    command: `npm run bench -- ${scenario}${quick ? ' --quick' : ''}`,
    durationSeconds: Math.round((performance.now() - startedAt) / 100) / 10,
    environment: describeEnvironment(result.redisVersion),
    ...result,
  };
}
