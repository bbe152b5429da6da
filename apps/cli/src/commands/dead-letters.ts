import type { DeadLetterCountsView, DeadLetterDetail, DeadLettersPage } from '@rejoin/operations';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { number } from '../format.ts';
import { acting, paged, requireReason, watched, whole } from '../options.ts';
import { type ActionOptions, act, drawPlan } from './dead-letter-actions.ts';
import { addTaskCommands } from './dead-letter-tasks.ts';

export function addDeadLetterCommands(program: Command, context: Context): void {
  const dlq = program.command('dlq').description('dead letters: events that could not be delivered');
  addList(dlq, context);
  addGroups(dlq, context);
  addShow(dlq, context);
  for (const kind of ['redrive', 'discard'] as const) {
    const what =
      kind === 'redrive' ? 'append dead letters again' : 'remove dead letters; a tombstone says why for a week';
    acting(filtered(dlq.command(kind).argument('[ids...]', 'these; or name a filter')))
      .description(what)
      .option('--all', 'every one, where there is no filter')
      .option('--rate <n>', 'most of them in a second', whole)
      .addHelpText(
        'after',
        `
Shows the plan and asks before it does anything. Ctrl-C ends the task after its step at hand.

Examples:
  rejoin dlq ${kind} --code NO_AUDIENCE_RULE --reason "rule added" --dry-run
  rejoin dlq ${kind} 3.1764064862000-0 --reason "mended by hand" --yes`,
      )
      .action((ids: string[], options: ActionOptions, command: Command) => act(context, kind, ids, options, command));
  }
  addTaskCommands(dlq, context);
}

function filtered(command: Command): Command {
  return command
    .option('--tenant <id>')
    .option('--type <type>', 'a type, or its beginning and *')
    .option('--code <code>', 'for example NO_AUDIENCE_RULE')
    .option('--fingerprint <name>', 'of one cause, as `dlq groups` shows it')
    .option('--since <time>', 'failed after: RFC 3339, or a span before now such as 2h')
    .option('--until <time>', 'failed before');
}

function addList(dlq: Command, context: Context): void {
  const { terminal } = context;
  const list = filtered(dlq.command('list')).description('dead letters, latest failure first');
  watched(paged(list, 20, 'of them')).action(async (options: ListOptions, command: Command) => {
    const api = context.api(command);
    const { watch: _, ...query } = options;
    await context.show(
      command,
      () => api.get<DeadLettersPage>('/v1/dead-letters', query),
      ({ items, total, next }) => {
        terminal.table(items, [
          { title: 'ID', whole: true, cell: ({ id }) => id },
          { title: 'LAST FAILED', cell: ({ lastFailedAt }) => lastFailedAt },
          { title: 'CODE', cell: ({ code }) => ({ text: code, tone: 'bad' }) },
          { title: 'TENANT', cell: ({ tenant }) => tenant ?? '–' },
          { title: 'TYPE', cell: ({ type }) => type ?? '–' },
          { title: 'EVENT', cell: ({ eventId }) => eventId ?? '–' },
          { title: 'CAUSE', cell: ({ fingerprint }) => fingerprint },
          { title: 'MESSAGE', cell: ({ message }) => message },
        ]);
        terminal.line(`${items.length} of ${number(total)}${next === null ? '' : `; more with --after ${next}`}`);
      },
    );
  });
}

function addGroups(dlq: Command, context: Context): void {
  const groups = filtered(dlq.command('groups')).description('dead letters counted by cause, and by tenant and type');
  watched(groups).action(async (options: ListOptions, command: Command) => {
    const api = context.api(command);
    const { watch: _, ...filter } = options;
    await context.show(
      command,
      () => api.get<DeadLetterCountsView>('/v1/dead-letters/groups', filter),
      (counts) => drawPlan(context, counts),
    );
  });
}

function addShow(dlq: Command, context: Context): void {
  const { terminal } = context;
  dlq
    .command('show')
    .description('one dead letter with all that is kept of it, and what would become of it today')
    .argument('<id>', 'as `dlq list` shows it')
    .option('--payload', 'show the event; needs a reason')
    .option('--reason <text>', 'why it is shown; goes into the audit')
    .addHelpText('after', '\nExample:\n  rejoin dlq show 3.1764064862000-0 --payload --reason "ticket 12"')
    .action(async (id: string, options: { payload?: boolean; reason?: string }, command: Command) => {
      requireReason(command, options);
      const path = `/v1/dead-letters/${encodeURIComponent(id)}`;
      const detail = await context.api(command).get<DeadLetterDetail>(path, { ...options });
      context.answer(command, detail, (letter) => {
        for (const [name, value] of Object.entries(letter)) {
          if (value === null) continue;
          const lines = typeof value === 'string' ? value.split('\n') : [JSON.stringify(value)];
          for (const [at, line] of lines.entries())
            terminal.line({ text: (at === 0 ? name : '').padEnd(NAME_WIDTH), tone: 'bold' }, ` ${line}`);
        }
      });
    });
}

const NAME_WIDTH = 16;

type ListOptions = Readonly<Record<string, string | number | undefined>>;
