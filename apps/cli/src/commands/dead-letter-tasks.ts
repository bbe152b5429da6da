import type { TasksPage, TaskView } from '@rejoin/operations';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { number } from '../format.ts';
import { watched } from '../options.ts';
import type { Tone } from '../span.ts';

const TONES: Partial<Record<TaskView['state'], Tone>> = { done: 'good', failed: 'bad', cancelled: 'warn' };

export function addTaskCommands(dlq: Command, context: Context): void {
  const { terminal } = context;

  watched(dlq.command('tasks'))
    .description('redrives and discards, under way and over, whoever began them')
    .action(async (_: object, command: Command) => {
      const api = context.api(command);
      await context.show(
        command,
        () => api.get<TasksPage>('/v1/dead-letters/tasks'),
        ({ items }) =>
          terminal.table(items, [
            { title: 'ID', whole: true, cell: ({ id }) => id },
            { title: 'KIND', cell: ({ kind }) => kind },
            { title: 'STATE', cell: ({ state }) => ({ text: state, tone: TONES[state] ?? 'bold' }) },
            { title: 'HANDLED', align: 'right', cell: ({ handled, total }) => `${number(handled)} / ${number(total)}` },
            { title: 'REFUSED', align: 'right', cell: ({ outcomes }) => number(outcomes.refused) },
            { title: 'BY', cell: ({ by }) => by ?? '–' },
            { title: 'STARTED', cell: ({ startedAt }) => startedAt ?? '–' },
            { title: 'REASON', cell: ({ reason }) => reason },
          ]),
      );
    });

  dlq
    .command('cancel')
    .description('end a redrive or discard after its step at hand')
    .argument('<task-id>', 'as `dlq tasks` shows it')
    .requiredOption('--reason <text>', 'why; goes into the audit')
    .option('-y, --yes', 'do it without being asked; needed off a terminal')
    .action(async (id: string, { reason }: { reason: string }, command: Command) => {
      const api = context.api(command);
      const path = `/v1/dead-letters/tasks/${encodeURIComponent(id)}`;
      const { kind, handled, total } = await api.get<TaskView>(path);
      await context.confirm(command, `The ${kind} ends at ${number(handled)} of ${number(total)}`, 'cancel');
      context.answer(command, await api.post<TaskView>(`${path}/cancel`, { reason }), (task) =>
        terminal.line(
          `${task.kind} ${task.state === 'running' ? 'is ending' : task.state}: ${number(task.handled)} handled`,
        ),
      );
    });
}
