import type { PauseOutcome } from '@rejoin/operations';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { age } from '../format.ts';
import { acting, duration, whole } from '../options.ts';

interface ActOptions {
  readonly reason: string;
  readonly dryRun?: boolean;
}

export function addPauseCommands(program: Command, context: Context): void {
  const { terminal } = context;

  acting(program.command('pause').argument('<partition>', 'its number', whole))
    .description('stop the fan-out of a partition for a time; publishing goes on')
    .requiredOption('--for <duration>', 'for example 10m', duration)
    .addHelpText('after', '\nExample:\n  rejoin pause 3 --for 10m --reason "rules are being changed"')
    .action(async (partition: number, options: ActOptions & { readonly for: number }, command: Command) => {
      const api = context.api(command);
      const { for: durationMs, reason, dryRun = false } = options;
      if (!dryRun)
        await context.confirm(command, `Partition ${partition} stops for ${age(durationMs)}`, String(partition));
      const path = `/v1/partitions/${partition}/pause`;
      const outcome = await api.post<PauseOutcome>(path, { durationMs, reason, dryRun });
      context.answer(command, outcome, ({ pause, dryRun: dry }) => {
        const until = `paused until ${pause?.until}; clients lose that much of the replay window`;
        terminal.line(`partition ${partition} ${dry ? 'would be' : 'is'} ${until}`);
      });
    });

  acting(program.command('resume').argument('<partition>', 'its number', whole))
    .description('end a pause')
    .addHelpText('after', '\nExample:\n  rejoin resume 3 --reason "rules are in place"')
    .action(async (partition: number, { reason, dryRun = false }: ActOptions, command: Command) => {
      const api = context.api(command);
      if (!dryRun) await context.confirm(command, `Partition ${partition} goes on`, String(partition));
      const outcome = await api.post<PauseOutcome>(`/v1/partitions/${partition}/resume`, { reason, dryRun });
      context.answer(command, outcome, ({ changed, dryRun: dry }) =>
        terminal.line(
          changed
            ? `partition ${partition} ${dry ? 'would go on' : 'goes on'}`
            : `partition ${partition} is not paused`,
        ),
      );
    });
}
