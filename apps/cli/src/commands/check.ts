import type { PartitionsPage, PartitionView } from '@rejoin/operations';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { CommandError } from '../exit-code.ts';
import { age } from '../format.ts';
import { duration, whole } from '../options.ts';

/** Exit codes of `check`, as Nagios has them. @see https://nagios-plugins.org/doc/guidelines.html */
export const CHECK = { ok: 0, warning: 1, critical: 2, unknown: 3 } as const;
type CheckState = keyof typeof CHECK;

interface CheckOptions {
  readonly warnLag: number;
  readonly maxLag: number;
  readonly warnAge: number;
  readonly maxAge: number;
  readonly timeout: number;
}

interface Verdict {
  readonly state: CheckState;
  readonly summary: string;
  /** `label=value;warn;crit`, for graphs. */
  readonly performance: readonly string[];
}

export function addCheckCommand(program: Command, context: Context): void {
  program
    .command('check')
    .description('one line and an exit code, for Nagios and for probes: 0 ok, 1 warning, 2 critical, 3 unknown')
    .option('--warn-lag <n>', 'waiting entries of one partition', whole, 10_000)
    .option('--max-lag <n>', 'waiting entries of one partition', whole, 100_000)
    .option('--warn-age <duration>', 'age of the oldest event that is not handled', duration, 30_000)
    .option('--max-age <duration>', 'age of the oldest event that is not handled', duration, 300_000)
    .option('--timeout <duration>', 'unknown after so long without an answer', duration, 8_000)
    .addHelpText(
      'after',
      `
Examples:
  rejoin check --max-age 1m
  rejoin check || [ $? -eq 1 ]     a probe that lets warnings pass`,
    )
    .action(async (options: CheckOptions, command: Command) => {
      const verdict = await examine(context, options, command);
      context.answer(command, verdict, ({ state, summary, performance }) => {
        const graphs = performance.length === 0 ? '' : ` | ${performance.join(' ')}`;
        // A pipe begins what is for graphs.
        context.terminal.line(`REJOIN ${state.toUpperCase()} - ${summary.replaceAll('|', '/')}${graphs}`);
      });
      context.exitCode = CHECK[verdict.state];
    });
}

async function examine(context: Context, options: CheckOptions, command: Command): Promise<Verdict> {
  try {
    const api = context.api(command, { timeoutMs: options.timeout });
    const { items } = await api.get<PartitionsPage>('/v1/partitions', { limit: 500 });
    const judged = items.map((view) => judge(view, options));
    const state =
      judged.map((found) => found.state).sort((a, b) => SEVERITY.indexOf(b) - SEVERITY.indexOf(a))[0] ?? 'unknown';
    const reasons = judged.filter((found) => found.state === state && state !== 'ok').map(({ why }) => why);
    const summary = reasons.length === 0 ? `${items.length} partitions, nothing waits for long` : reasons.join('; ');
    return { state, summary, performance: performanceOf(items, options) };
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return { state: 'unknown', summary: error.message.replaceAll(/\s*\n\s*/g, '; '), performance: [] };
  }
}

/** Not knowing is worse than a warning, and a known failure worse than not knowing. */
const SEVERITY: readonly CheckState[] = ['ok', 'warning', 'unknown', 'critical'];

function judge(
  view: PartitionView,
  { warnLag, maxLag, warnAge, maxAge }: CheckOptions,
): { readonly state: CheckState; readonly why: string } {
  const { partition, status, statusReason, lag } = view;
  const oldest = oldestOf(view);
  const waiting = lag?.value ?? 0;
  const why = `partition ${partition} is ${status}: ${statusReason}`;
  if (status === 'STOP' || status === 'STALL' || status === 'REWIND') return { state: 'critical', why };
  if (waiting > maxLag || oldest > maxAge)
    return { state: 'critical', why: `partition ${partition}: ${waiting} wait, the oldest for ${age(oldest)}` };
  if (lag === null) return { state: 'unknown', why };
  if (waiting > warnLag || oldest > warnAge)
    return { state: 'warning', why: `partition ${partition}: ${waiting} wait, the oldest for ${age(oldest)}` };
  // Too short a look is no reason to wake somebody.
  if (status === 'WARN') return { state: 'warning', why };
  return { state: 'ok', why };
}

/** Of all partitions the worst; the lag is left out where one is not known, for it would be a false number. */
function performanceOf(items: readonly PartitionView[], { warnLag, maxLag, warnAge, maxAge }: CheckOptions): string[] {
  if (items.length === 0) return [];
  const lags = items.flatMap(({ lag }) => lag?.value ?? []);
  const seconds = (ms: number): string => (ms / 1_000).toFixed(3).replace(/\.?0+$/, '');
  return [
    ...(lags.length === items.length ? [`lag=${Math.max(...lags)};${warnLag};${maxLag};0`] : []),
    `age=${seconds(Math.max(...items.map(oldestOf)))}s;${seconds(warnAge)};${seconds(maxAge)};0`,
    `pending=${items.reduce((sum, { pending }) => sum + pending, 0)};;;0`,
    `dead_letters=${items.reduce((sum, { deadLetters }) => sum + deadLetters, 0)};;;0`,
  ];
}

function oldestOf({ oldestUndeliveredAgeMs, oldestUnackedAgeMs }: PartitionView): number {
  return Math.max(oldestUndeliveredAgeMs ?? 0, oldestUnackedAgeMs ?? 0);
}
