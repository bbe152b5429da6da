import type {
  AuditPage,
  CoveragePage,
  PartitionStatus,
  PartitionsPage,
  PartitionView,
  PauseOutcome,
  PendingPage,
} from '@rejoin/operations';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { age, bytes, duration, number, whole } from '../format.ts';
import type { Tone } from '../terminal.ts';

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

  program
    .command('lag')
    .description('health, lag, owners and rates of every partition')
    .option('--sort <by>', 'partition, status, lag, age, pending, in, out or deadLetters', 'partition')
    .option('--status <status>', 'only partitions with this status')
    .action(async (options: { sort: string; status?: string }, command: Command) => {
      const api = context.api(command);
      const query = { sort: options.sort, status: options.status, limit: 500 };
      await context.show(
        command,
        () => api.get<PartitionsPage>('/v1/partitions', query),
        (page) => {
          terminal.table(page.items, [
            { title: 'P', align: 'right', cell: ({ partition }) => String(partition) },
            { title: 'STATUS', cell: ({ status }) => ({ text: status, tone: TONES[status] }) },
            { title: 'LAG', align: 'right', cell: lagText },
            { title: 'WAITING', align: 'right', cell: ({ oldestUndeliveredAgeMs }) => age(oldestUndeliveredAgeMs) },
            { title: 'PENDING', align: 'right', cell: ({ pending }) => number(pending) },
            { title: 'STUCK', align: 'right', cell: ({ oldestUnackedAgeMs }) => age(oldestUnackedAgeMs) },
            { title: 'IN/S', align: 'right', cell: ({ inPerSecond }) => number(inPerSecond) },
            { title: 'OUT/S', align: 'right', cell: ({ outPerSecond }) => number(outPerSecond) },
            { title: 'DEAD', align: 'right', cell: ({ deadLetters }) => number(deadLetters) },
            {
              title: 'OWNER',
              cell: ({ owner, paused }) => (paused ? `paused for ${age(paused.remainingMs)}` : (owner ?? '–')),
            },
            { title: 'WHY', cell: ({ statusReason }) => statusReason },
          ]);
          terminal.line(`${terminal.paint(page.status, TONES[page.status])} overall, as of ${page.asOf}`);
        },
      );
    });

  program
    .command('pending')
    .description('entries that were read and not acknowledged; looking changes no delivery count')
    .argument('<partition>', 'its number', whole)
    .option('--tenant <id>')
    .option('--limit <n>', 'most entries', whole, 50)
    .action(async (partition: number, options: { tenant?: string; limit: number }, command: Command) => {
      const api = context.api(command);
      await context.show(
        command,
        () => api.get<PendingPage>(`/v1/partitions/${partition}/pending`, { ...options }),
        ({ items, total }) => {
          terminal.table(items, [
            { title: 'ENTRY', cell: ({ entryId }) => entryId },
            { title: 'EVENT', cell: ({ eventId }) => eventId ?? '–' },
            { title: 'TYPE', cell: ({ type }) => type ?? '–' },
            { title: 'TENANT', cell: ({ tenant }) => tenant ?? '–' },
            { title: 'AGE', align: 'right', cell: ({ ageMs }) => age(ageMs) },
            { title: 'IDLE', align: 'right', cell: ({ idleMs }) => age(idleMs) },
            { title: 'DELIVERIES', align: 'right', cell: ({ deliveries }) => String(deliveries) },
            { title: 'PAYLOAD', cell: ({ payload }) => (payload === 'gone' ? { text: 'gone', tone: 'bad' } : payload) },
            { title: 'LAST ERROR', cell: ({ lastError }) => lastError ?? '–' },
          ]);
          terminal.line(`${items.length} of ${number(total)}`);
        },
      );
    });

  program
    .command('coverage')
    .description('how far back clients of each partition may resume')
    .action(async (_: object, command: Command) => {
      const api = context.api(command);
      await context.show(
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
          ]),
      );
    });

  program
    .command('pause')
    .description('stop the fan-out of a partition for a time; publishing goes on')
    .argument('<partition>', 'its number', whole)
    .requiredOption('--for <duration>', 'for example 10m', duration)
    .requiredOption('--reason <text>', 'goes into the audit')
    .option('--dry-run', 'only say what would happen')
    .action(async (partition: number, options: { for: number; reason: string; dryRun?: boolean }, command: Command) => {
      const api = context.api(command);
      const { for: durationMs, reason, dryRun = false } = options;
      if (!dryRun)
        await context.confirm(command, `Partition ${partition} stops for ${age(durationMs)}`, String(partition));
      const outcome = (): Promise<PauseOutcome> =>
        api.post(`/v1/partitions/${partition}/pause`, { durationMs, reason, dryRun });
      await context.show(command, outcome, ({ pause, dryRun: dry }) =>
        terminal.line(
          `partition ${partition} ${dry ? 'would be' : 'is'} paused until ${pause?.until}; clients lose that much of the replay window`,
        ),
      );
    });

  program
    .command('resume')
    .description('end a pause')
    .argument('<partition>', 'its number', whole)
    .requiredOption('--reason <text>', 'goes into the audit')
    .option('--dry-run', 'only say what would happen')
    .action(
      async (partition: number, { reason, dryRun = false }: { reason: string; dryRun?: boolean }, command: Command) => {
        const api = context.api(command);
        if (!dryRun) await context.confirm(command, `Partition ${partition} goes on`, String(partition));
        const outcome = (): Promise<PauseOutcome> => api.post(`/v1/partitions/${partition}/resume`, { reason, dryRun });
        await context.show(command, outcome, ({ changed }) =>
          terminal.line(changed ? `partition ${partition} goes on` : `partition ${partition} is not paused`),
        );
      },
    );

  program
    .command('audit')
    .description('who did what, why, on how many')
    .option('--by <user>')
    .option('--action <action>')
    .option('--since <time>', 'RFC 3339, or a span before now such as 2h')
    .option('--limit <n>', 'most lines', whole, 50)
    .action(async (options: Record<string, string | number>, command: Command) => {
      const api = context.api(command);
      await context.show(
        command,
        () => api.get<AuditPage>('/v1/audit', { ...options }),
        ({ items }) =>
          terminal.table(items, [
            { title: 'AT', cell: ({ at }) => at },
            { title: 'WHO', cell: ({ by }) => by },
            { title: 'DID', cell: ({ action }) => action },
            { title: 'COUNT', align: 'right', cell: ({ count }) => number(count) },
            {
              title: 'RESULT',
              cell: ({ result }) => ({
                text: result,
                tone: result === 'done' ? 'good' : result === 'failed' ? 'bad' : 'warn',
              }),
            },
            { title: 'REASON', cell: ({ reason }) => reason },
            { title: 'WHAT', cell: ({ filter }) => JSON.stringify(filter) },
          ]),
      );
    });
}

function lagText({ lag }: PartitionView): string {
  if (lag === null) return 'unknown';
  return lag.exact ? number(lag.value) : `≥ ${number(lag.value)}`;
}
