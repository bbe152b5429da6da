import type { CoveragePage, PartitionStatus, PartitionsPage, PartitionView, PendingPage } from '@rejoin/operations';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { EXIT } from '../exit-code.ts';
import { age, bytes, number } from '../format.ts';
import { choice, duration, paged, watched, whole } from '../options.ts';
import type { Tone } from '../span.ts';

const STATUSES = ['OK', 'UNKNOWN', 'WARN', 'REWIND', 'STALL', 'STOP'] as const satisfies readonly PartitionStatus[];
const SORTS = ['partition', 'status', 'lag', 'age', 'pending', 'in', 'out', 'deadLetters'] as const;
const TONES: Readonly<Record<PartitionStatus, Tone>> = {
  OK: 'good',
  UNKNOWN: 'dim',
  WARN: 'warn',
  REWIND: 'bad',
  STALL: 'bad',
  STOP: 'bad',
};

export function addPartitionCommands(program: Command, context: Context): void {
  const { terminal } = context;

  watched(program.command('lag'))
    .description('health, lag, owners and rates of every partition')
    .addOption(choice('--sort <by>', 'the greatest first', SORTS).default('partition'))
    .addOption(choice('--status <status>', 'only partitions with this status', STATUSES))
    .addHelpText('after', '\nExamples:\n  rejoin lag --watch\n  rejoin lag --sort age --json')
    .action(async ({ sort, status }: { sort: string; status?: string }, command: Command) => {
      const api = context.api(command);
      await context.show(
        command,
        () => api.get<PartitionsPage>('/v1/partitions', { sort, status, limit: 500 }),
        (page) => {
          terminal.table(page.items, [
            { title: 'P', align: 'right', cell: ({ partition }) => String(partition) },
            { title: 'STATUS', whole: true, cell: (view) => ({ text: view.status, tone: TONES[view.status] }) },
            { title: 'LAG', align: 'right', cell: lagText },
            { title: 'WAITING', align: 'right', cell: ({ oldestUndeliveredAgeMs }) => age(oldestUndeliveredAgeMs) },
            { title: 'PENDING', align: 'right', cell: ({ pending }) => number(pending) },
            { title: 'STUCK', align: 'right', cell: ({ oldestUnackedAgeMs }) => age(oldestUnackedAgeMs) },
            { title: 'IN/S', align: 'right', cell: ({ inPerSecond }) => number(inPerSecond) },
            { title: 'OUT/S', align: 'right', cell: ({ outPerSecond }) => number(outPerSecond) },
            {
              title: 'DRAIN',
              align: 'right',
              cell: ({ drainSeconds }) =>
                drainSeconds === 0 ? '0' : age(drainSeconds === null ? null : drainSeconds * 1_000),
            },
            { title: 'DEAD', align: 'right', cell: ({ deadLetters }) => number(deadLetters) },
            {
              title: 'OWNER',
              cell: ({ owner, paused }) => (paused ? `paused for ${age(paused.remainingMs)}` : (owner ?? '–')),
            },
            { title: 'WHY', cell: ({ statusReason }) => statusReason },
          ]);
          terminal.line({ text: page.status, tone: TONES[page.status] }, ` overall, as of ${page.asOf}`);
        },
      );
    });

  const pending = program
    .command('pending')
    .description('entries that were read and not acknowledged; looking changes no delivery count')
    .argument('<partition>', 'its number', whole)
    .option('--tenant <id>')
    .option('--idle <duration>', 'only those untouched for so long', duration)
    .addHelpText('after', '\nExample:\n  rejoin pending 3 --idle 30s');
  watched(paged(pending, 50, 'entries')).action(
    async (partition: number, { idle: minIdleMs, tenant, limit, after }: PendingOptions, command: Command) => {
      const api = context.api(command);
      await context.show(
        command,
        () => api.get<PendingPage>(`/v1/partitions/${partition}/pending`, { tenant, minIdleMs, limit, after }),
        ({ items, total, next }) => {
          terminal.table(items, [
            { title: 'ENTRY', whole: true, cell: ({ entryId }) => entryId },
            { title: 'EVENT', whole: true, cell: ({ eventId }) => eventId ?? '–' },
            { title: 'TYPE', cell: ({ type }) => type ?? '–' },
            { title: 'TENANT', cell: ({ tenant: of }) => of ?? '–' },
            { title: 'AGE', align: 'right', cell: ({ ageMs }) => age(ageMs) },
            { title: 'IDLE', align: 'right', cell: ({ idleMs }) => age(idleMs) },
            { title: 'DELIVERIES', align: 'right', cell: ({ deliveries }) => String(deliveries) },
            { title: 'PAYLOAD', cell: ({ payload }) => (payload === 'gone' ? { text: 'gone', tone: 'bad' } : payload) },
            { title: 'ATTEMPT', align: 'right', cell: ({ attempt }) => number(attempt) },
            { title: 'TRIALS', align: 'right', cell: ({ trials }) => number(trials) },
            { title: 'LAST ERROR', cell: ({ lastError }) => lastError ?? '–' },
          ]);
          terminal.line(`${items.length} of ${number(total)}${next === null ? '' : `; more with --after ${next}`}`);
        },
      );
    },
  );

  watched(program.command('coverage'))
    .description('how far back clients of each partition may resume')
    .action(async (_: object, command: Command) => {
      const api = context.api(command);
      const { unanswered } = await context.show(
        command,
        () => api.get<CoveragePage>('/v1/coverage'),
        ({ items }) =>
          terminal.table(items, [
            { title: 'P', align: 'right', cell: ({ partition }) => String(partition) },
            { title: 'COVERED', align: 'right', cell: ({ coveredMs }) => age(coveredMs) },
            { title: 'OLDEST', cell: ({ oldestResumable }) => oldestResumable },
            {
              title: 'LIMIT',
              cell: ({ limitedBy }) => (limitedBy === 'bytes' ? { text: limitedBy, tone: 'warn' } : limitedBy),
            },
            { title: 'FORECAST', align: 'right', cell: ({ forecastMs }) => age(forecastMs) },
            { title: 'ENTRIES', align: 'right', cell: ({ feedEntries }) => number(feedEntries) },
            { title: 'BYTES', align: 'right', cell: ({ feedBytes }) => bytes(feedBytes) },
            { title: 'CURSORS', align: 'right', cell: ({ cursorsKnown }) => number(cursorsKnown) },
            {
              title: 'OUTSIDE',
              align: 'right',
              cell: ({ cursorsOutside }) => (cursorsOutside > 0 ? { text: number(cursorsOutside), tone: 'bad' } : '0'),
            },
            {
              title: 'FIRST OUT IN',
              align: 'right',
              cell: ({ hoursUntilOutside }) => age(hoursUntilOutside === null ? null : hoursUntilOutside * 3_600_000),
            },
          ]),
      );
      if (unanswered.length > 0) {
        terminal.say(`rejoin: no answer from ${unanswered.join(', ')}: cursors known there are not counted`);
        context.end(EXIT.partial);
      }
    });
}

interface PendingOptions {
  readonly tenant?: string;
  readonly idle?: number;
  readonly limit: number;
  readonly after?: string;
}

function lagText({ lag }: PartitionView): string {
  if (lag === null) return 'unknown';
  return lag.exact ? number(lag.value) : `≥ ${number(lag.value)}`;
}
