import type { GroupOutcome, GroupsPage, MembersPage } from '@rejoin/operations';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { counted, number } from '../format.ts';
import { acting, paged, watched } from '../options.ts';

interface GroupOptions {
  readonly tenant: string;
  readonly limit?: number;
  readonly after?: string;
}

interface ChangeOptions {
  readonly tenant: string;
  readonly reason: string;
  readonly dryRun?: boolean;
}

export function addGroupCommands(program: Command, context: Context): void {
  const { terminal } = context;
  const groups = program.command('groups').description('who is in which group');

  const list = groups.command('list').description('the groups of a tenant').requiredOption('--tenant <id>');
  watched(paged(list, 50, 'groups')).action(async ({ tenant, limit, after }: GroupOptions, command: Command) => {
    const api = context.api(command);
    await context.show(
      command,
      () => api.get<GroupsPage>('/v1/groups', { tenant, limit, after }),
      ({ items, next }) => {
        terminal.table(items, [{ title: 'GROUP', whole: true, cell: ({ group }) => group }]);
        if (next !== null) terminal.line(`more with --after ${next}`);
      },
    );
  });

  const members = groups
    .command('members')
    .argument('<group>')
    .description('the members of a group')
    .requiredOption('--tenant <id>');
  watched(paged(members, 50, 'members')).action(
    async (group: string, { tenant, limit, after }: GroupOptions, command: Command) => {
      const api = context.api(command);
      await context.show(
        command,
        () => api.get<MembersPage>('/v1/groups/members', { tenant, group, limit, after }),
        ({ items, next, size }) => {
          terminal.table(items, [{ title: 'USER', whole: true, cell: ({ user }) => user }]);
          const more = next === null ? '' : `; more with --after ${next}`;
          terminal.line(`${items.length} of ${number(size)}${more}`);
        },
      );
    },
  );

  for (const kind of ['add', 'remove'] as const) {
    acting(groups.command(kind).argument('<group>').argument('<users...>'))
      .description(kind === 'add' ? 'put users into a group' : 'take users out of a group')
      .requiredOption('--tenant <id>')
      .addHelpText('after', `\nExample:\n  rejoin groups ${kind} night-shift u-1 u-2 --tenant acme --reason "new rota"`)
      .action(
        async (
          group: string,
          users: readonly string[],
          { tenant, reason, dryRun = false }: ChangeOptions,
          command: Command,
        ) => {
          const api = context.api(command);
          const request = { tenant, group, [kind]: users, reason };
          let outcome = await api.post<GroupOutcome>('/v1/groups/change', { ...request, dryRun: true });
          if (!dryRun) {
            const changed = outcome.added + outcome.removed;
            await context.confirm(
              command,
              `${group} of ${tenant}: ${kind} ${counted(changed, 'user')}`,
              String(changed),
            );
            outcome = await api.post<GroupOutcome>('/v1/groups/change', request);
          }
          context.answer(command, outcome, ({ added, removed, size }) => {
            const would = dryRun ? 'would be ' : '';
            terminal.line(`${number(added)} ${would}added, ${number(removed)} removed; ${counted(size, 'member')}`);
          });
        },
      );
  }
}
