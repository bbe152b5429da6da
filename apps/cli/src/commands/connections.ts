import type { ConnectionsPage, DisconnectOutcome } from '@rejoin/operations';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { EXIT } from '../exit-code.ts';
import { age, bytes, duration, number, whole } from '../format.ts';

interface DisconnectOptions {
  readonly tenant?: string;
  readonly user?: string;
  readonly socket?: string;
  readonly reason: string;
  readonly block?: number;
  readonly dryRun?: boolean;
}

export function addConnectionCommands(program: Command, context: Context): void {
  const { terminal } = context;

  program
    .command('sockets')
    .description('connections of all gateways')
    .option('--tenant <id>')
    .option('--user <id>')
    .option('--gateway <id>')
    .option('--state <state>', 'replaying, live or closing')
    .option('--sort <by>', 'connectedAt, user, tenant, bufferedBytes or behind', 'connectedAt')
    .option('--limit <n>', 'most connections', whole, 50)
    .action(async (options: Record<string, string | number>, command: Command) => {
      const api = context.api(command);
      const page = await context.show(
        command,
        () => api.get<ConnectionsPage>('/v1/connections', { ...options }),
        (found) => {
          terminal.table(found.items, [
            { title: 'SOCKET', cell: ({ socketId }) => socketId },
            { title: 'TENANT', cell: ({ tenant }) => tenant },
            { title: 'USER', cell: ({ user }) => user },
            { title: 'STATE', cell: ({ state }) => ({ text: state, tone: state === 'live' ? 'good' : 'warn' }) },
            { title: 'TRANSPORT', cell: ({ transport }) => transport },
            { title: 'AGE', align: 'right', cell: ({ ageMs }) => age(ageMs) },
            { title: 'BEHIND', align: 'right', cell: ({ behindMs }) => (behindMs === 0 ? '0' : age(behindMs)) },
            { title: 'BUFFERED', align: 'right', cell: ({ bufferedBytes }) => bytes(bufferedBytes) },
            { title: 'CURSOR', cell: ({ entryId }) => entryId },
            { title: 'GATEWAY', cell: ({ gateway }) => gateway },
          ]);
          terminal.line(`${found.items.length} of ${number(found.total)} on ${found.gateways.length} gateways`);
        },
      );
      sayWhoIsMissing(context, page);
    });

  program
    .command('disconnect')
    .description('tell clients to go, and keep them out for a time')
    .option('--tenant <id>')
    .option('--user <id>')
    .option('--socket <id>')
    .option('--block <duration>', 'keep them out for so long; without it they come back at once', duration)
    .requiredOption('--reason <text>', 'goes into the audit')
    .option('--dry-run', 'only say whom it meets')
    .action(async ({ socket, block, dryRun = false, ...options }: DisconnectOptions, command: Command) => {
      const api = context.api(command);
      const request = {
        ...options,
        ...(socket === undefined ? {} : { socketId: socket }),
        ...(block === undefined ? {} : { blockMs: block }),
      };
      const planned = await api.post<DisconnectOutcome>('/v1/connections/disconnect', { ...request, dryRun: true });
      if (!dryRun)
        await context.confirm(
          command,
          `${number(planned.matched)} connections are told to go`,
          String(planned.matched),
        );
      const run = async (): Promise<DisconnectOutcome> =>
        dryRun ? planned : api.post('/v1/connections/disconnect', request);
      const outcome = await context.show(command, run, ({ matched, disconnected, blockedUntil }) => {
        const until = blockedUntil === null ? '' : `, kept out until ${blockedUntil}`;
        terminal.line(dryRun ? `${matched} connections would go${until}` : `${disconnected} connections gone${until}`);
      });
      sayWhoIsMissing(context, outcome);
    });
}

function sayWhoIsMissing(context: Context, { partial, gateways }: Pick<ConnectionsPage, 'partial' | 'gateways'>): void {
  if (!partial) return;
  const silent = gateways.filter(({ answered }) => !answered).map(({ id }) => id);
  context.terminal.say(`rejoin: no answer from ${silent.join(', ')}: its connections are missing`);
  context.end(EXIT.partial);
}
