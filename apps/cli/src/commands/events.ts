import type { EventsPage, EventView } from '@rejoin/operations';
import type { Command } from 'commander';
import { type Context, passing } from '../context.ts';
import { number } from '../format.ts';
import { choice, paged, requireReason, watched } from '../options.ts';
import type { Column } from '../table.ts';
import { Tail } from '../tail.ts';
import { fit } from '../width.ts';

const STAGES = ['waiting', 'fanned_out'] as const satisfies readonly EventView['stage'][];
const TIME_WIDTH = 24;
const NAME_WIDTH = 16;

const COLUMNS: readonly Column<EventView>[] = [
  { title: 'AT', cell: ({ appendedAt }) => appendedAt },
  { title: 'EVENT', whole: true, cell: ({ eventId }) => eventId ?? '–' },
  { title: 'TYPE', cell: ({ type }) => type ?? '–' },
  { title: 'TENANT', cell: ({ tenant }) => tenant ?? '–' },
  { title: 'STAGE', cell: ({ stage }) => ({ text: stage, tone: stage === 'waiting' ? 'warn' : 'good' }) },
  { title: 'AUDIENCE', cell: ({ audience }) => audience.join(', ') },
  { title: 'ENTRY', cell: ({ partition, entryId }) => `${partition}.${entryId}` },
];

export function addEventCommands(program: Command, context: Context): void {
  const { terminal } = context;

  const peek = filtered(program.command('peek'))
    .description('look at events without taking them, latest first')
    .option('--since <time>', 'RFC 3339, or a span before now such as 15m')
    .option('--until <time>')
    .addOption(choice('--stage <stage>', 'only these', STAGES))
    .addOption(choice('--order <order>', 'which come first', ['newest', 'oldest']))
    .option('--payload', 'show payloads; needs a reason')
    .option('--reason <text>', 'why payloads are shown; goes into the audit')
    .addHelpText(
      'after',
      `
Examples:
  rejoin peek --tenant acme --type 'order.*' --since 15m
  rejoin peek --tenant acme --audience user:u-1 --payload --reason "ticket 12"`,
    );
  watched(paged(peek, 20, 'events')).action(async (options: EventOptions, command: Command) => {
    const api = context.api(command);
    requireReason(command, options);
    const { watch: _, ...query } = options;
    const columns: readonly Column<EventView>[] =
      options.payload === true
        ? [...COLUMNS, { title: 'DATA', cell: ({ data }) => JSON.stringify(data) ?? '–' }]
        : COLUMNS;
    await context.show(
      command,
      () => api.get<EventsPage>('/v1/events', query),
      (page) => {
        terminal.table(page.items, columns);
        const more = page.next === null ? '' : `; more with --after ${page.next}`;
        const text = `${page.items.length} found, scanned ${number(page.scanned)} of ${number(page.total)}${more}`;
        terminal.line({ text, tone: 'dim' });
      },
    );
  });

  filtered(program.command('tail'))
    .description('events as they are appended, until Ctrl-C; with --json one line each')
    .option('--since <time>', 'begin there: RFC 3339, or a span before now such as 5m')
    .addHelpText(
      'after',
      `
Examples:
  rejoin tail --tenant acme
  rejoin tail --type 'order.*' --json | jq .subject`,
    )
    .action(async (filter: EventOptions, command: Command) => {
      await follow(context, new Tail(context.api(command), filter), context.isJson(command));
    });
}

async function follow(context: Context, tail: Tail, isJson: boolean): Promise<void> {
  const { terminal, signal } = context;
  while (!signal.aborted) {
    try {
      for await (const event of tail.read(signal)) {
        if (isJson) terminal.document(event);
        else drawEvent(context, event);
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!tail.hasBegun) throw error;
      terminal.say(`rejoin: ${passing(error)}`);
    }
    await context.wait(Tail.PAUSE_MS);
  }
}

type EventOptions = Readonly<Record<string, string | number | boolean | undefined>>;

function filtered(command: Command): Command {
  return command
    .option('--tenant <id>')
    .option('--type <type>', 'a type, or its beginning and *')
    .option('--subject <subject>')
    .option('--audience <token>', 'for example user:u-1; needs a tenant');
}

/** One line, in columns that do not know what comes next. */
function drawEvent({ terminal }: Context, event: EventView): void {
  const { appendedAt, stage, eventId, type, tenant, subject, audience } = event;
  terminal.line(
    { text: fit(appendedAt, TIME_WIDTH), tone: 'dim' },
    '  ',
    { text: fit(stage, 'fanned_out'.length), tone: stage === 'waiting' ? 'warn' : 'good' },
    `  ${wide(tenant)}  ${wide(type)}  ${wide(subject)}  ${wide(eventId)}  ${audience.join(', ')}`,
  );
}

/** At least a column; what is copied is not cut. */
function wide(text: string | null): string {
  return (text ?? '–').padEnd(NAME_WIDTH);
}
