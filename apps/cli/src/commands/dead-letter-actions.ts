import { setTimeout as delay } from 'node:timers/promises';
import type { DeadLetterAction, DeadLetterCountsView, TaskView } from '@rejoin/operations';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { EXIT } from '../exit-code.ts';
import { counted, number } from '../format.ts';
import type { OperatorApi } from '../operator-api.ts';

interface Filter {
  readonly tenant?: string;
  readonly type?: string;
  readonly code?: string;
  readonly fingerprint?: string;
  readonly since?: string;
  readonly until?: string;
}

export interface ActionOptions extends Filter {
  readonly all?: boolean;
  readonly reason: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly rate?: number;
}

/** How often progress is asked for, in milliseconds. */
const PROGRESS_MS = 300;
/** How long a task may wait for a worker without a word, in milliseconds. */
const PATIENCE_MS = 5_000;

/** Plans, asks, begins, and draws the progress until the end. */
export async function act(
  context: Context,
  kind: TaskView['kind'],
  ids: readonly string[],
  options: ActionOptions,
  command: Command,
): Promise<void> {
  const { all = false, reason, dryRun = false, yes: _, rate, ...filter } = options;
  const isFiltered = Object.keys(filter).length > 0;
  if (ids.length === 0 && !all && !isFiltered) command.error('error: name ids, a filter, or --all');
  if (ids.length > 0 && (all || isFiltered)) command.error('error: name ids or a filter, not both');
  const api = context.api(command);
  const path = `/v1/dead-letters/${kind}`;
  const request = { ...(ids.length > 0 ? { ids } : { filter }), reason, ratePerSecond: rate };
  const planned = await api.post<DeadLetterAction>(path, { ...request, dryRun: true });
  const { matched, complete } = planned.plan;
  const isPlanOnly = dryRun || matched === 0;
  if (isPlanOnly || !context.isJson(command)) context.answer(command, planned, ({ plan }) => drawPlan(context, plan));
  if (isPlanOnly) return;
  const question = `${counted(matched, 'dead letter')}${complete ? '' : ' or more'} to ${kind}`;
  await context.confirm(command, question, String(matched));
  const { task } = await api.post<DeadLetterAction>(path, request);
  const ended = await follow(context, api, task as TaskView);
  context.answer(command, ended, ({ state, outcomes, error }) => {
    const { redriven, discarded, duplicates, refused, gone } = outcomes;
    const counts = `${redriven} redriven, ${discarded} discarded, ${duplicates} already there, ${refused} refused, ${gone} gone`;
    context.terminal.line({ text: state, tone: state === 'done' ? 'good' : 'bad' }, `: ${counts}`);
    if (error !== null) context.terminal.say(`rejoin: ${error}`);
  });
  if (ended.state === 'failed') context.end(EXIT.failed);
  else if (ended.state !== 'done' || ended.outcomes.refused > 0) context.end(EXIT.partial);
}

/** Draws the progress of a task until it ends; Ctrl-C cancels it. */
async function follow(context: Context, api: OperatorApi, started: TaskView): Promise<TaskView> {
  const { terminal, signal } = context;
  const path = `/v1/dead-letters/tasks/${started.id}`;
  let task = started;
  let isCancelled = false;
  const begunAt = performance.now();
  let isSaid = false;
  while (task.state === 'running' || task.state === 'waiting') {
    const of = task.total === null ? '' : ` of ${number(task.total)}`;
    if (task.state === 'waiting' && !isSaid && performance.now() - begunAt > PATIENCE_MS) {
      isSaid = true;
      terminal.endProgress();
      terminal.say('rejoin: no worker has begun with it yet; is one running? Ctrl-C cancels it');
    }
    const refused = task.outcomes.refused > 0 ? `, ${number(task.outcomes.refused)} refused` : '';
    terminal.progress(`${task.kind}: ${number(task.handled)}${of}${refused}`, task.handled, task.total);
    if (isCancelled) await delay(PROGRESS_MS);
    else await context.wait(PROGRESS_MS);
    if (signal.aborted && !isCancelled) {
      isCancelled = true;
      task = await api.post<TaskView>(`${path}/cancel`, { reason: 'Ctrl-C' });
    } else task = await api.get<TaskView>(path);
  }
  terminal.endProgress();
  return task;
}

/** What would be met, by cause, and by tenant and type. */
export function drawPlan({ terminal }: Context, plan: DeadLetterCountsView): void {
  const { groups, tenants, matched, total, complete, scanned } = plan;
  terminal.table(groups, [
    { title: 'COUNT', align: 'right', cell: ({ count }) => number(count) },
    { title: 'CODE', cell: ({ code }) => ({ text: code, tone: 'bad' }) },
    { title: 'CAUSE', whole: true, cell: ({ fingerprint }) => fingerprint },
    { title: 'LAST FAILED', cell: ({ lastFailedAt }) => lastFailedAt },
    { title: 'MESSAGE', cell: ({ message }) => message },
  ]);
  terminal.line();
  terminal.table(tenants, [
    { title: 'COUNT', align: 'right', cell: ({ count }) => number(count) },
    { title: 'TENANT', cell: ({ tenant }) => tenant ?? '–' },
    { title: 'TYPE', cell: ({ type }) => type ?? '–' },
  ]);
  const rest = complete ? '' : `; only ${number(scanned)} were counted`;
  terminal.line(`${number(matched)} match of ${number(total)}${rest}`);
}
