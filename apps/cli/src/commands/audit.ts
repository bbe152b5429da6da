import type { AuditPage, AuditView } from '@rejoin/operations';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { number } from '../format.ts';
import { choice, paged, watched } from '../options.ts';
import type { Tone } from '../span.ts';

const ACTIONS = [
  'dead-letters.redrive',
  'dead-letters.discard',
  'dead-letters.cancel',
  'connections.disconnect',
  'connections.block',
  'connections.unblock',
  'partition.pause',
  'partition.resume',
  'payload.show',
] as const satisfies readonly AuditView['action'][];

const TONES: Partial<Record<AuditView['result'], Tone>> = { done: 'good', failed: 'bad' };

export function addAuditCommand(program: Command, context: Context): void {
  const { terminal } = context;
  const command = program
    .command('audit')
    .description('who did what, why, on how many; latest first')
    .option('--by <user>')
    .addOption(choice('--action <action>', 'only this', ACTIONS))
    .option('--since <time>', 'RFC 3339, or a span before now such as 2h')
    .option('--until <time>')
    .addHelpText('after', '\nExample:\n  rejoin audit --action dead-letters.discard --since 7d');
  watched(paged(command, 50, 'lines')).action(async (options: AuditOptions, self: Command) => {
    const api = context.api(self);
    const { watch: _, ...query } = options;
    await context.show(
      self,
      () => api.get<AuditPage>('/v1/audit', query),
      ({ items, next }) => {
        terminal.table(items, [
          { title: 'AT', cell: ({ at }) => at },
          { title: 'WHO', cell: ({ by }) => by },
          { title: 'DID', cell: ({ action }) => action },
          { title: 'COUNT', align: 'right', cell: ({ count }) => number(count) },
          { title: 'RESULT', cell: ({ result }) => ({ text: result, tone: TONES[result] ?? 'warn' }) },
          { title: 'REASON', cell: ({ reason }) => reason },
          { title: 'WHAT', cell: ({ filter }) => JSON.stringify(filter) },
        ]);
        if (next !== null) terminal.line(`more with --after ${next}`);
      },
    );
  });
}

type AuditOptions = Readonly<Record<string, string | number | undefined>>;
