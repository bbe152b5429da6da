import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { CommandError, EXIT } from '../exit-code.ts';

interface PublishOptions {
  readonly file?: string;
  readonly id?: string;
  readonly source: string;
  readonly type?: string;
  readonly tenant?: string;
  readonly subject?: string;
  readonly audience?: string;
  readonly data?: string;
  readonly at?: string;
}

/** What `POST /v1/events` answers. */
interface Published {
  readonly results: readonly {
    readonly id: string;
    readonly cursor: string | null;
    readonly duplicate: boolean;
    readonly deliverAt?: string;
  }[];
}

export function addPublishCommand(program: Command, context: Context): void {
  const { terminal } = context;
  program
    .command('publish')
    .description('publish an event, from options, a file or stdin')
    .option('--file <path>', 'JSON of one event or an array; - for stdin')
    .option('--id <id>', 'the same source and id is published once')
    .option('--source <source>', 'where it comes from', '/rejoin-cli')
    .option('--type <type>')
    .option('--tenant <id>')
    .option('--subject <subject>')
    .option('--audience <tokens>')
    .option('--data <json>')
    .option('--at <time>', 'publish it then: RFC 3339')
    .option('-y, --yes', 'needed off a terminal')
    .addHelpText(
      'after',
      `
Examples:
  rejoin publish --id a-1 --tenant acme --type order.paid --subject 991 --data '{"customerId":"u-1"}'
  rejoin publish --file events.json
  jq -c . events.json | rejoin publish --file - --yes`,
    )
    .action(async (options: PublishOptions, command: Command) => {
      const api = context.api(command);
      const body = options.file === undefined ? JSON.stringify(eventOf(options)) : readText(options.file);
      context.requireYesOffTerminal(command, 'publishing');
      context.answer(command, await api.post<Published>('/v1/events', body), ({ results }) =>
        terminal.table(results, [
          { title: 'EVENT', whole: true, cell: ({ id }) => id },
          { title: 'CURSOR', whole: true, cell: ({ cursor }) => cursor ?? '–' },
          { title: 'DUPLICATE', cell: ({ duplicate }) => (duplicate ? { text: 'yes', tone: 'warn' } : 'no') },
          ...(results.some(({ deliverAt }) => deliverAt !== undefined)
            ? [{ title: 'AT', cell: ({ deliverAt }: Published['results'][number]) => deliverAt ?? '–' }]
            : []),
        ]),
      );
    });
}

function readText(path: string): string {
  try {
    return readFileSync(path === '-' ? 0 : path, 'utf8');
  } catch (cause) {
    throw new CommandError(EXIT.usage, `${path} cannot be read: ${(cause as Error).message}`, { cause });
  }
}

function eventOf({ id, source, type, tenant, subject, audience, data, at }: PublishOptions): object {
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
    deliverat: at,
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
