import { readFileSync } from 'node:fs';
import type { EventsPage, EventView, TraceView, VerdictCode } from '@rejoin/operations';
import type { Command } from 'commander';
import type { Context, GlobalOptions } from '../context.ts';
import { CommandError, EXIT } from '../exit-code.ts';
import { number, whole } from '../format.ts';
import type { Column, Tone } from '../terminal.ts';

const TAIL_MS = 1_000;

interface Filter {
  readonly tenant?: string;
  readonly type?: string;
  readonly subject?: string;
  readonly audience?: string;
}

export function addEventCommands(program: Command, context: Context): void {
  const { terminal } = context;
  const columns: Column<EventView>[] = [
    { title: 'AT', cell: ({ appendedAt }) => appendedAt },
    { title: 'EVENT', cell: ({ eventId }) => eventId ?? '–' },
    { title: 'TYPE', cell: ({ type }) => type ?? '–' },
    { title: 'TENANT', cell: ({ tenant }) => tenant ?? '–' },
    { title: 'STAGE', cell: ({ stage }) => ({ text: stage, tone: stage === 'waiting' ? 'warn' : 'good' }) },
    { title: 'AUDIENCE', cell: ({ audience }) => audience.join(', ') },
    { title: 'ENTRY', cell: ({ partition, entryId }) => `${partition}.${entryId}` },
  ];
  const filtered = (command: Command): Command =>
    command
      .option('--tenant <id>')
      .option('--type <type>', 'a type, or its beginning and *')
      .option('--subject <subject>')
      .option('--audience <token>', 'for example user:u-1; needs a tenant');

  filtered(program.command('peek').description('look at events without taking them, latest first'))
    .option('--since <time>', 'RFC 3339, or a span before now such as 15m')
    .option('--until <time>')
    .option('--stage <stage>', 'waiting or fanned_out')
    .option('--payload', 'show payloads; the asking is audited')
    .option('--reason <text>', 'why payloads are shown')
    .option('--limit <n>', 'most events', whole, 20)
    .action(async (options: Record<string, string | number | boolean>, command: Command) => {
      const api = context.api(command);
      await context.show(
        command,
        () => api.get<EventsPage>('/v1/events', { ...options }),
        (page) => {
          terminal.table(
            page.items,
            options.payload === true
              ? [...columns, { title: 'DATA', cell: ({ data }) => JSON.stringify(data) }]
              : columns,
          );
          const rest = page.exhausted ? '' : '; there may be more, further back';
          terminal.line(
            terminal.paint(
              `${page.items.length} found, scanned ${number(page.scanned)} of ${number(page.total)}${rest}`,
              'dim',
            ),
          );
        },
      );
    });

  filtered(program.command('tail').description('events as they are appended, until Ctrl-C')).action(
    async (filter: Filter, command: Command) => {
      const api = context.api(command);
      const { json = false } = command.optsWithGlobals<GlobalOptions>();
      let since = new Date().toISOString();
      let seen = new Set<string>();
      while (!context.signal.aborted) {
        const page = await api.get<EventsPage>('/v1/events', { ...filter, since, order: 'oldest', limit: 500 });
        const fresh = page.items.filter(({ cursor }) => !seen.has(cursor));
        for (const event of fresh)
          terminal.line(json ? JSON.stringify(event) : columns.map((column) => textOf(column.cell(event))).join('  '));
        const last = page.items.at(-1);
        if (last) {
          since = last.appendedAt;
          // Of the same millisecond there may be more.
          seen = new Set(page.items.filter(({ appendedAt }) => appendedAt === since).map(({ cursor }) => cursor));
        }
        if (page.items.length < 500) await context.wait(TAIL_MS);
      }
    },
  );

  program
    .command('trace')
    .description('the way of one event, and why a user got it or not')
    .argument('<event-id>', "the event's id, its entry ID or its cursor")
    .option('--tenant <id>')
    .option('--user <id>', 'whose case is judged')
    .addHelpText('after', '\nExample:\n  rejoin trace a-1 --tenant acme --user u-1')
    .action(async (id: string, options: { tenant?: string; user?: string }, command: Command) => {
      const api = context.api(command);
      await context.show(
        command,
        () => api.get<TraceView>(`/v1/events/${encodeURIComponent(id)}/trace`, options),
        (trace) => drawTrace(context, trace),
      );
    });

  program
    .command('publish')
    .description('publish an event, from options, a file or stdin')
    .option('--file <path>', 'JSON of one event or an array; - for stdin')
    .option('--id <id>')
    .option('--source <source>', 'where it comes from', '/rejoin-cli')
    .option('--type <type>')
    .option('--tenant <id>')
    .option('--subject <subject>')
    .option('--audience <tokens>')
    .option('--data <json>')
    .addHelpText(
      'after',
      `\nExample:\n  rejoin publish --id a-1 --tenant acme --type order.paid --subject 991 --data '{"customerId":"u-1"}'`,
    )
    .action(async (options: PublishOptions, command: Command) => {
      const api = context.api(command);
      const body =
        options.file === undefined
          ? JSON.stringify(eventOf(options))
          : readFileSync(options.file === '-' ? 0 : options.file, 'utf8');
      await context.show(
        command,
        () => api.post<{ results: { id: string; cursor: string; duplicate: boolean }[] }>('/v1/events', body),
        ({ results }) =>
          terminal.table(results, [
            { title: 'EVENT', cell: ({ id }) => id },
            { title: 'CURSOR', cell: ({ cursor }) => cursor },
            { title: 'DUPLICATE', cell: ({ duplicate }) => (duplicate ? { text: 'yes', tone: 'warn' } : 'no') },
          ]),
      );
    });
}

const VERDICT_TONES: Partial<Record<VerdictCode, Tone>> = {
  DELIVERED_ACKNOWLEDGED: 'good',
  DELIVERED: 'good',
  WAITING: 'warn',
  SLOW: 'warn',
};

function drawTrace({ terminal }: Context, trace: TraceView): void {
  terminal.line(
    `${terminal.paint(trace.eventId ?? trace.entryId, 'bold')}  ${trace.type ?? ''}  ${trace.tenant ?? ''}  ${trace.state}`,
  );
  for (const { at, stage, detail } of trace.steps)
    terminal.line(`  ${(at ?? '').padEnd(24)}  ${stage.padEnd(13)}  ${detail}`);
  const { verdict } = trace;
  if (!verdict) return;
  terminal.line();
  terminal.line(
    `${terminal.paint(verdict.verdict, VERDICT_TONES[verdict.verdict] ?? 'bad')}  ${verdict.user}: ${verdict.summary}`,
  );
  for (const fact of verdict.evidence) terminal.line(`  - ${fact}`);
  if (verdict.remedy) terminal.line(`  → ${verdict.remedy}`);
}

interface PublishOptions {
  readonly file?: string;
  readonly id?: string;
  readonly source: string;
  readonly type?: string;
  readonly tenant?: string;
  readonly subject?: string;
  readonly audience?: string;
  readonly data?: string;
}

function eventOf({ id, source, type, tenant, subject, audience, data }: PublishOptions): object {
  if (id === undefined || type === undefined || tenant === undefined) {
    throw new CommandError(EXIT.usage, '--id, --type and --tenant are needed, or a --file');
  }
  return {
    specversion: '1.0',
    id,
    source,
    type,
    tenantid: tenant,
    subject,
    audience,
    data: data === undefined ? undefined : parse(data),
  };
}

function parse(data: string): unknown {
  try {
    return JSON.parse(data) as unknown;
  } catch (cause) {
    throw new CommandError(EXIT.usage, '--data is not JSON', { cause });
  }
}

function textOf(cell: string | { readonly text: string }): string {
  return typeof cell === 'string' ? cell : cell.text;
}
