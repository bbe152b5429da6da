import type { TaskView } from '@rejoin/operations';
import { useState } from 'react';
import { apiPost } from '../api/api-client.ts';
import { useApi } from '../api/use-api.ts';
import { ActionButton } from '../dialog/action-button.tsx';
import { ActionDialog } from '../dialog/action-dialog.tsx';
import { formatCount, formatRate } from '../format/quantity.ts';
import { formatDuration } from '../format/time.ts';
import { Badge } from '../status/status-badge.tsx';

const STATES = {
  waiting: { tone: 'muted', icon: 'pending', word: 'waiting' },
  running: { tone: 'info', icon: 'play', word: 'running' },
  done: { tone: 'good', icon: 'ok', word: 'done' },
  cancelled: { tone: 'warn', icon: 'stop', word: 'cancelled' },
  failed: { tone: 'bad', icon: 'stop', word: 'failed' },
} as const;

export function isUnderWay({ state }: TaskView): boolean {
  return state === 'waiting' || state === 'running';
}

/** A task under way or over: how far, with what outcome, and a way to stop it. */
export function TaskProgress({ id, initial }: { readonly id: string; readonly initial: TaskView }) {
  const [over, setOver] = useState(false);
  const query = useApi<TaskView>(
    `/v1/dead-letters/tasks/${encodeURIComponent(id)}`,
    {},
    { refreshMs: over ? false : 1_000 },
  );
  const task = query.data ?? initial;
  if (over === isUnderWay(task)) setOver(!over);
  return <TaskLine task={task} />;
}

export function TaskLine({ task }: { readonly task: TaskView }) {
  const { tone, icon, word } = STATES[task.state];
  const { redriven, discarded, duplicates, refused, gone } = task.outcomes;
  const left = task.total === null ? null : task.total - task.handled;
  const outcomes = [
    [redriven, 'redriven'],
    [discarded, 'discarded'],
    [duplicates, 'published again meanwhile'],
    [refused, 'refused'],
    [gone, 'handled by somebody else'],
  ] as const;
  return (
    <div className="task">
      <div className="task-head">
        <Badge tone={tone} icon={icon}>
          {word}
        </Badge>
        <strong>{task.kind === 'redrive' ? 'Redrive' : 'Discard'}</strong>
        <span className="muted task-reason">
          {task.by === null ? '' : `${task.by}: `}
          {task.reason}
        </span>
        {isUnderWay(task) ? <CancelButton task={task} /> : null}
      </div>
      <progress
        className={`bar tone-${tone}`}
        aria-label={`${task.kind}, ${word}`}
        {...(task.total === null ? {} : { max: Math.max(task.total, 1), value: task.total === 0 ? 1 : task.handled })}
      />
      <p className="task-text" role="status">
        <span className="number">
          {formatCount(task.handled)} of {task.total === null ? 'not counted yet' : formatCount(task.total)}
        </span>
        {outcomes.map(([count, words]) =>
          count > 0 ? (
            <span key={words}>
              {' '}
              · {formatCount(count)} {words}
            </span>
          ) : null,
        )}
        {isUnderWay(task) && task.ratePerSecond !== null ? (
          <span className="muted">
            {' '}
            · at most {formatRate(task.ratePerSecond)}
            {left === null ? '' : `, ${formatDuration((left / task.ratePerSecond) * 1_000)} left`}
          </span>
        ) : null}
        {task.error === null ? null : <span className="field-error"> · {task.error}</span>}
      </p>
    </div>
  );
}

function CancelButton({ task }: { readonly task: TaskView }) {
  const [asks, setAsks] = useState(false);
  const what = task.kind === 'redrive' ? 'redrive' : 'discard';
  return (
    <>
      <ActionButton onPress={() => setAsks(true)}>Stop …</ActionButton>
      {asks ? (
        <ActionDialog
          title={`Stop the ${what}`}
          confirm="Stop"
          run={(reason) =>
            apiPost<TaskView>(`/v1/dead-letters/tasks/${encodeURIComponent(task.id)}/cancel`, { reason })
          }
          onClose={() => setAsks(false)}
        >
          <p>It ends within a second. What it has done stays done; the rest stays as it is.</p>
        </ActionDialog>
      ) : null}
    </>
  );
}
