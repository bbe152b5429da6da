import type { BlocksPage, BlockView, LiftOutcome } from '@rejoin/operations';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { age } from '../format.ts';
import { acting, paged, watched } from '../options.ts';

interface UnblockOptions {
  readonly tenant: string;
  readonly user?: string;
  readonly reason: string;
  readonly dryRun?: boolean;
}

export function addBlockCommands(program: Command, context: Context): void {
  const { terminal } = context;

  const blocks = program
    .command('blocks')
    .description('who is kept out by an operator, and for how long')
    .option('--tenant <id>')
    .option('--user <id>');
  watched(paged(blocks, 50, 'blocks')).action(async (options: Record<string, string | number>, command: Command) => {
    const api = context.api(command);
    const { watch: _, ...query } = options;
    await context.show(
      command,
      () => api.get<BlocksPage>('/v1/blocks', query),
      ({ items, next }) => {
        terminal.table(items, [
          { title: 'TENANT', whole: true, cell: ({ tenant }) => tenant },
          { title: 'USER', whole: true, cell: ({ user }) => user ?? 'everybody' },
          { title: 'SINCE', cell: ({ since }) => since },
          { title: 'UNTIL', cell: ({ until }) => until },
          { title: 'LEFT', align: 'right', cell: ({ remainingMs }) => age(remainingMs) },
        ]);
        if (next !== null) terminal.line(`more with --after ${next}`);
      },
    );
  });

  acting(program.command('unblock'))
    .description('let somebody in again before the time is over')
    .requiredOption('--tenant <id>')
    .option('--user <id>', 'without it the block of the whole tenant')
    .addHelpText('after', '\nExample:\n  rejoin unblock --tenant acme --user u-1 --reason "new token was issued"')
    .action(async ({ tenant, user, reason, dryRun = false }: UnblockOptions, command: Command) => {
      const api = context.api(command);
      const request = { tenant, user, reason };
      let outcome = await api.post<LiftOutcome>('/v1/blocks/lift', { ...request, dryRun: true });
      if (!dryRun) {
        await context.confirm(command, `${nameOf(outcome.block)} to be let in again`, user ?? tenant);
        outcome = await api.post<LiftOutcome>('/v1/blocks/lift', request);
      }
      context.answer(command, outcome, ({ block }) =>
        terminal.line(`${nameOf(block)} ${dryRun ? 'would be' : 'is'} let in again; was kept out until ${block.until}`),
      );
    });
}

function nameOf({ tenant, user }: BlockView): string {
  return user === null ? `tenant ${tenant}` : `user ${user} of tenant ${tenant}`;
}
