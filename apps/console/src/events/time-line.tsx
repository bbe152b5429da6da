import type { TraceStep } from '@rejoin/operations';
import { formatDuration } from '../format/time.ts';
import { Time } from '../format/values.tsx';
import { Icon, type IconName } from '../shell/icon.tsx';
import type { Tone } from '../status/status-badge.tsx';

const STAGES: Readonly<Record<TraceStep['stage'], { word: string; tone: Tone; icon: IconName }>> = {
  published: { word: 'Published', tone: 'good', icon: 'play' },
  waiting: { word: 'Waiting', tone: 'warn', icon: 'pending' },
  parked: { word: 'Put aside for later', tone: 'warn', icon: 'pending' },
  fanned_out: { word: 'Fanned out', tone: 'good', icon: 'events' },
  dead_lettered: { word: 'Dead letter', tone: 'bad', icon: 'dead' },
  trimmed: { word: 'Trimmed', tone: 'muted', icon: 'stop' },
  gateway: { word: 'Gateway', tone: 'info', icon: 'connections' },
  delivered: { word: 'Delivered', tone: 'good', icon: 'ok' },
  acknowledged: { word: 'Acknowledged', tone: 'good', icon: 'ok' },
};

/** What happened, in order, each with the time since the step before. */
export function TimeLine({ steps }: { readonly steps: readonly TraceStep[] }) {
  let before: number | null = null;
  return (
    <ol className="time-line">
      {steps.map((step) => {
        const { word, tone, icon } = STAGES[step.stage];
        const at = step.at === null ? null : Date.parse(step.at);
        const since = at !== null && before !== null ? at - before : null;
        if (at !== null) before = at;
        return (
          <li key={`${step.stage} ${step.at} ${step.detail}`} className={`tone-${tone}`}>
            <span className="step-mark">
              <Icon name={icon} size={12} />
            </span>
            <div className="step-text">
              <strong>{word}</strong>
              <span>{step.detail}</span>
            </div>
            <div className="step-time">
              <Time at={step.at} precise />
              {since === null ? null : <small className="muted">+{formatDuration(Math.max(since, 0))}</small>}
            </div>
          </li>
        );
      })}
    </ol>
  );
}
