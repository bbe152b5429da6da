import type { ConnectionsPage, DisconnectOutcome } from '@rejoin/operations';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { EXIT } from '../exit-code.ts';
import { age, bytes, counted, number } from '../format.ts';
import { acting, choice, duration, paged, watched } from '../options.ts';

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

  const sockets = program
    .command('sockets')
    .description('connections of all gateways')
    .option('--tenant <id>')
    .option('--user <id>')
    .option('--gateway <id>')
    .addOption(choice('--transport <name>', 'only this one', ['websocket', 'polling']))
    .addOption(choice('--state <state>', 'only this one', ['replaying', 'live', 'closing']))
    .addOption(
      choice('--sort <by>', 'in this order', ['connectedAt', 'user', 'tenant', 'bufferedBytes', 'behind']).default(
        'connectedAt',
      ),
    )
    .addHelpText('after', '\nExample:\n  rejoin sockets --tenant acme --sort behind --watch');
  watched(paged(sockets, 50, 'connections')).action(async (options: SocketsOptions, command: Command) => {
    const api = context.api(command);
    const { watch: _, ...query } = options;
    const page = await context.show(
      command,
      () => api.get<ConnectionsPage>('/v1/connections', query),
      ({ items, total, gateways, next }) => {
        terminal.table(items, [
          { title: 'SOCKET', whole: true, cell: ({ socketId }) => socketId },
          { title: 'TENANT', cell: ({ tenant }) => tenant },
          { title: 'USER', whole: true, cell: ({ user }) => user },
          { title: 'STATE', cell: ({ state }) => ({ text: state, tone: state === 'live' ? 'good' : 'warn' }) },
          { title: 'TRANSPORT', cell: ({ transport }) => transport },
          { title: 'AGE', align: 'right', cell: ({ ageMs }) => age(ageMs) },
          { title: 'BEHIND', align: 'right', cell: ({ behindMs }) => (behindMs === 0 ? '0' : age(behindMs)) },
          { title: 'BUFFERED', align: 'right', cell: ({ bufferedBytes }) => bytes(bufferedBytes) },
          { title: 'CURSOR', cell: ({ entryId }) => entryId },
          { title: 'GATEWAY', cell: ({ gateway }) => gateway },
        ]);
        const more = next === null ? '' : `; more with --after ${next}`;
        terminal.line(`${items.length} of ${number(total)} on ${counted(gateways.length, 'gateway')}${more}`);
      },
    );
    sayWhoIsMissing(context, page);
  });

  acting(program.command('disconnect'))
    .description('tell clients to go, and keep them out for a time')
    .option('--tenant <id>')
    .option('--user <id>')
    .option('--socket <id>')
    .option('--block <duration>', 'keep them out for so long; without it they come back at once', duration)
    .addHelpText(
      'after',
      '\nExample:\n  rejoin disconnect --tenant acme --user u-1 --block 1h --reason "token leaked" --dry-run',
    )
    .action(async ({ socket, block, dryRun = false, tenant, user, reason }: DisconnectOptions, command: Command) => {
      const api = context.api(command);
      const path = '/v1/connections/disconnect';
      const request = { tenant, user, socketId: socket, blockMs: block, reason };
      let outcome = await api.post<DisconnectOutcome>(path, { ...request, dryRun: true });
      if (!dryRun) {
        const kept = block === undefined ? '' : ` and kept out for ${age(block)}`;
        const question = `${counted(outcome.matched, 'connection')} to be told to go${kept}`;
        await context.confirm(command, question, String(outcome.matched));
        outcome = await api.post<DisconnectOutcome>(path, request);
      }
      context.answer(command, outcome, ({ matched, disconnected, blockedUntil }) => {
        const until = blockedUntil === null ? '' : `, kept out until ${blockedUntil}`;
        terminal.line(
          dryRun
            ? `${counted(matched, 'connection')} would go${until}`
            : `${counted(disconnected, 'connection')} gone${until}`,
        );
      });
      sayWhoIsMissing(context, outcome);
    });
}

type SocketsOptions = Readonly<Record<string, string | number | undefined>>;

function sayWhoIsMissing(context: Context, { partial, gateways }: Pick<ConnectionsPage, 'partial' | 'gateways'>): void {
  if (!partial) return;
  const silent = gateways.filter(({ answered }) => !answered).map(({ id }) => id);
  context.terminal.say(`rejoin: no answer from ${silent.join(', ')}: its connections are missing`);
  context.end(EXIT.partial);
}
