import type { TasksPage } from '@rejoin/operations';
import { useApi } from '../api/use-api.ts';
import { Card } from '../shell/page.tsx';
import { isUnderWay, TaskLine } from './task-progress.tsx';

/** How long a task that is over is still shown, in milliseconds. */
const SHOWN_MS = 15 * 60_000;

/** Redrives and discards under way, and those that ended a while ago. Nothing where there are none. */
export function TasksCard() {
  const { data } = useApi<TasksPage>('/v1/dead-letters/tasks', { limit: 10 }, { refreshMs: 1_000 });
  const tasks = data?.items.filter(
    (task) =>
      isUnderWay(task) || (task.endedAt !== null && Date.parse(task.endedAt) > Date.parse(data.asOf) - SHOWN_MS),
  );
  if (!tasks || tasks.length === 0) return null;
  return (
    <Card title="Tasks">
      {tasks.slice(0, 4).map((task) => (
        <TaskLine key={task.id} task={task} />
      ))}
    </Card>
  );
}
