import type {
  DeadLetterAction,
  DeadLetterCountsView,
  DeadLetterDetail,
  DeadLettersPage,
  TaskView,
} from '@rejoin/operations';
import type { Command } from 'commander';
import type { Context, GlobalOptions } from '../context.ts';
import { EXIT } from '../exit-code.ts';
import { number, whole } from '../format.ts';
import type { OperatorApi } from '../operator-api.ts';

interface Filter {
  readonly tenant?: string;
  readonly type?: string;
  readonly code?: string;
  readonly fingerprint?: string;
  readonly since?: string;
  readonly until?: string;
}

interface ActionOptions extends Filter {
  readonly all?: boolean;
  readonly reason: string;
  readonly dryRun?: boolean;
  readonly rate?: number;
}

/** How often progress is asked for, in milliseconds. */
const PROGRESS_MS = 300;

export function addDeadLetterCommands(program: Command, context: Context): void {
  const { terminal } = context;
  const dlq = program.command('dlq').description('dead letters: events that could not be delivered');
  const filtered = (command: Command): Command =>
    command
      .option('--tenant <id>')
      .option('--type <type>', 'a type, or its beginning and *')
      .option('--code <code>', 'for example NO_AUDIENCE_RULE')
      .option('--fingerprint <name>', 'of one cause, as `dlq groups` shows it')
      .option('--since <time>', 'RFC 3339, or a span before now such as 2h')
      .option('--until <time>');

  filtered(dlq.command('list').description('dead letters, latest failure first'))
    .option('--limit <n>', 'most of them', whole, 20)
    .option('--after <next>', 'where the page before ended')
    .action(async (options: Record<string, string | number>, command: Command) => {
      const api = context.api(command);
      await context.show(
        command,
        () => api.get<DeadLettersPage>('/v1/dead-letters', { ...options }),
        ({ items, total, next }) => {
          terminal.table(items, [
            { title: 'ID', cell: ({ id }) => id },
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

  filtered(dlq.command('groups').description('dead letters counted by cause, and by tenant and type')).action(
    async (filter: Filter, command: Command) => {
      const api = context.api(command);
      await context.show(
        command,
        () => api.get<DeadLetterCountsView>('/v1/dead-letters/groups', { ...filter }),
        (counts) => drawPlan(context, counts),
      );
    },
  );

  dlq
    .command('show')
    .description('one dead letter with all that is kept of it')
    .argument('<id>', 'as `dlq list` shows it')
    .option('--payload', 'show the event; the asking is audited')
    .option('--reason <text>', 'why it is shown')
    .action(async (id: string, options: { payload?: boolean; reason?: string }, command: Command) => {
      const api = context.api(command);
      await context.show(
        command,
        () => api.get<DeadLetterDetail>(`/v1/dead-letters/${encodeURIComponent(id)}`, { ...options }),
        (letter) => {
          for (const [name, value] of Object.entries(letter)) {
            if (value !== null)
              terminal.line(
                `${terminal.paint(name.padEnd(16), 'bold')} ${typeof value === 'string' ? value : JSON.stringify(value)}`,
              );
          }
        },
      );
    });

  for (const kind of ['redrive', 'discard'] as const) {
    const what =
      kind === 'redrive' ? 'append dead letters again' : 'remove dead letters; a tombstone says why for a week';
    filtered(dlq.command(kind).description(what).argument('[ids...]', 'these; or name a filter'))
      .option('--all', 'every one, where there is no filter')
      .requiredOption('--reason <text>', 'goes into the audit')
      .option('--dry-run', 'only say what would happen')
      .option('--rate <n>', 'most of them in a second', whole)
      .addHelpText('after', `\nExample:\n  rejoin dlq ${kind} --code NO_AUDIENCE_RULE --reason "rule added" --dry-run`)
      .action((ids: string[], options: ActionOptions, command: Command) => act(context, kind, ids, options, command));
  }
}

async function act(
  context: Context,
  kind: 'redrive' | 'discard',
  ids: readonly string[],
  options: ActionOptions,
  command: Command,
): Promise<void> {
  const { all = false, reason, dryRun = false, rate, ...filter } = options;
  if (ids.length === 0 && !all && Object.keys(filter).length === 0) {
    command.error(`error: name ids, a filter, or --all`, { exitCode: EXIT.usage });
  }
  const api = context.api(command);
  const request = {
    ...(ids.length > 0 ? { ids } : { filter }),
    reason,
    ...(rate === undefined ? {} : { ratePerSecond: rate }),
  };
  const path = `/v1/dead-letters/${kind}`;
  const planned = await api.post<DeadLetterAction>(path, { ...request, dryRun: true });
  const { matched, complete } = planned.plan;
  const { json = false } = command.optsWithGlobals<GlobalOptions>();
  if (!json) drawPlan(context, planned.plan);
  if (dryRun || matched === 0) {
    if (json)
      await context.show(
        command,
        async () => planned,
        () => undefined,
      );
    return;
  }
  await context.confirm(
    command,
    `${number(matched)}${complete ? '' : ' or more'} dead letters: ${kind}`,
    String(matched),
  );
  const { task } = await api.post<DeadLetterAction>(path, request);
  const ended = await follow(context, api, task as TaskView);
  const { outcomes, state } = ended;
  await context.show(
    command,
    async () => ended,
    () => {
      const { redriven, discarded, duplicates, refused, gone } = outcomes;
      context.terminal.line(
        `${state}: ${redriven} redriven, ${discarded} discarded, ${duplicates} already there, ${refused} refused, ${gone} gone`,
      );
    },
  );
  if (state === 'failed') context.end(EXIT.failed);
  else if (state !== 'done' || outcomes.refused > 0) context.end(EXIT.partial);
}

/** Draws the progress of a task until it ends; Ctrl-C cancels it. */
async function follow(context: Context, api: OperatorApi, started: TaskView): Promise<TaskView> {
  let task = started;
  let isCancelled = false;
  while (task.state === 'running' || task.state === 'waiting') {
    const of = task.total === null ? '' : ` of ${number(task.total)}`;
    context.terminal.progress(`${task.kind}: ${number(task.handled)}${of}`);
    await context.wait(PROGRESS_MS);
    if (context.signal.aborted && !isCancelled) {
      isCancelled = true;
      task = await api.post<TaskView>(`/v1/dead-letters/tasks/${task.id}/cancel`, { reason: 'Ctrl-C' });
    } else task = await api.get<TaskView>(`/v1/dead-letters/tasks/${task.id}`);
  }
  context.terminal.endProgress();
  return task;
}

function drawPlan(
  { terminal }: Context,
  { groups, tenants, matched, total, complete, scanned }: DeadLetterCountsView,
): void {
  terminal.table(groups, [
    { title: 'COUNT', align: 'right', cell: ({ count }) => number(count) },
    { title: 'CAUSE', cell: ({ fingerprint }) => fingerprint },
    { title: 'CODE', cell: ({ code }) => ({ text: code, tone: 'bad' }) },
    { title: 'LAST FAILED', cell: ({ lastFailedAt }) => lastFailedAt },
    { title: 'MESSAGE', cell: ({ message }) => message },
  ]);
  terminal.line();
  terminal.table(tenants, [
    { title: 'COUNT', align: 'right', cell: ({ count }) => number(count) },
    { title: 'TENANT', cell: ({ tenant }) => tenant ?? '–' },
    { title: 'TYPE', cell: ({ type }) => type ?? '–' },
  ]);
  const rest = complete ? '' : `; only the latest ${number(scanned)} were looked at`;
  terminal.line(`${number(matched)} match of ${number(total)}${rest}`);
}
