import type { DoctorView, PartitionsPage, PartitionView } from '@rejoin/operations';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { CommandError, EXIT } from '../exit-code.ts';
import { age, duration, whole } from '../format.ts';

/** Exit codes of `check`, as Nagios has them. */
const CHECK = { ok: 0, warning: 1, critical: 2, unknown: 3 } as const;
type CheckState = keyof typeof CHECK;

interface Limits {
  readonly warnLag: number;
  readonly maxLag: number;
  readonly warnAge: number;
  readonly maxAge: number;
}

export function addCheckCommands(program: Command, context: Context): void {
  const { terminal } = context;

  program
    .command('check')
    .description('one line and an exit code, for Nagios and for probes: 0 ok, 1 warning, 2 critical, 3 unknown')
    .option('--warn-lag <n>', 'waiting entries of one partition', whole, 10_000)
    .option('--max-lag <n>', 'waiting entries of one partition', whole, 100_000)
    .option('--warn-age <duration>', 'age of the oldest event that is not handled', duration, 30_000)
    .option('--max-age <duration>', 'age of the oldest event that is not handled', duration, 300_000)
    .action(async (limits: Limits, command: Command) => {
      let state: CheckState = 'unknown';
      let reasons: readonly string[];
      try {
        const page = await context.api(command).get<PartitionsPage>('/v1/partitions', { limit: 500 });
        const judged = page.items.map((view) => judge(view, limits));
        state =
          judged.map((found) => found.state).sort((a, b) => SEVERITY.indexOf(b) - SEVERITY.indexOf(a))[0] ?? 'unknown';
        reasons = judged.filter((found) => found.state === state && state !== 'ok').map(({ why }) => why);
      } catch (error) {
        if (!(error instanceof CommandError)) throw error;
        reasons = [error.message];
      }
      const summary = reasons.length === 0 ? 'nothing waits for long' : reasons.join('; ');
      await context.show(
        command,
        async () => ({ state, summary }),
        () => terminal.line(`REJOIN ${state.toUpperCase()} - ${summary.replaceAll('\n', ' ')}`),
      );
      context.exitCode = CHECK[state];
    });

  program
    .command('doctor')
    .description("what is wrong with the server's settings, and how to mend it")
    .action(async (_: object, command: Command) => {
      const api = context.api(command);
      const { findings } = await context.show(
        command,
        () => api.get<DoctorView>('/v1/doctor'),
        (view) => {
          terminal.line(
            `${view.server.name} ${view.server.version} (${view.server.mode}), prefix ${view.prefix}, ${view.partitions} partitions`,
          );
          if (view.findings.length === 0) terminal.line(terminal.paint('Nothing is wrong with it.', 'good'));
          for (const { severity, title, detail, remedy } of view.findings) {
            terminal.line(
              `${terminal.paint(severity.toUpperCase(), severity === 'critical' ? 'bad' : 'warn')}  ${title}`,
            );
            terminal.line(`  ${detail}`);
            terminal.line(`  → ${remedy}`);
          }
        },
      );
      if (findings.some(({ severity }) => severity === 'critical')) context.end(EXIT.failed);
    });
}

/** Not knowing is worse than a warning, and a known failure worse than not knowing. */
const SEVERITY: readonly CheckState[] = ['ok', 'warning', 'unknown', 'critical'];

function judge(
  view: PartitionView,
  { warnLag, maxLag, warnAge, maxAge }: Limits,
): { readonly state: CheckState; readonly why: string } {
  const { partition, status, statusReason, lag, oldestUndeliveredAgeMs, oldestUnackedAgeMs } = view;
  const oldest = Math.max(oldestUndeliveredAgeMs ?? 0, oldestUnackedAgeMs ?? 0);
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
