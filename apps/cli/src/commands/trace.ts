import type { TraceView, VerdictCode } from '@rejoin/operations';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { watched } from '../options.ts';
import type { Tone } from '../span.ts';

const VERDICT_TONES: Partial<Record<VerdictCode, Tone>> = {
  DELIVERED_ACKNOWLEDGED: 'good',
  DELIVERED: 'good',
  WAITING: 'warn',
  SLOW: 'warn',
};
const TIME_WIDTH = 24;
const INCOMPLETE =
  '  more events wait than were looked at: another one may have this id; --tenant or an entry ID leads to it';
const STAGE_WIDTH = 13;

export function addTraceCommand(program: Command, context: Context): void {
  watched(program.command('trace'))
    .description('the way of one event, and why a user got it or not')
    .argument('<event-id>', "the event's id, its entry ID or its cursor")
    .option('--tenant <id>')
    .option('--user <id>', 'whose case is judged')
    .addHelpText('after', '\nExample:\n  rejoin trace a-1 --tenant acme --user u-1')
    .action(async (id: string, { tenant, user }: { tenant?: string; user?: string }, command: Command) => {
      const api = context.api(command);
      await context.show(
        command,
        () => api.get<TraceView>(`/v1/events/${encodeURIComponent(id)}/trace`, { tenant, user }),
        (trace) => drawTrace(context, trace),
      );
    });
}

function drawTrace({ terminal }: Context, trace: TraceView): void {
  const { eventId, entryId, type, tenant, state, steps, verdict, complete } = trace;
  const name = { text: eventId ?? entryId, tone: 'bold' } as const;
  terminal.line(name, `  ${type ?? '–'}  ${tenant ?? '–'}  ${state}`);
  for (const { at, stage, detail } of steps)
    terminal.line(`  ${(at ?? '').padEnd(TIME_WIDTH)}  ${stage.padEnd(STAGE_WIDTH)}  ${detail}`);
  if (!complete) terminal.line({ text: INCOMPLETE, tone: 'warn' });
  if (!verdict) return;
  terminal.line();
  const tone = VERDICT_TONES[verdict.verdict] ?? 'bad';
  terminal.line({ text: verdict.verdict, tone }, `  ${verdict.user}: ${verdict.summary}`);
  for (const fact of verdict.evidence) terminal.line(`  - ${fact}`);
  if (verdict.remedy) terminal.line(`  → ${verdict.remedy}`);
}
