import type { PartitionStatus } from '@rejoin/operations';
import { Icon, type IconName } from '../shell/icon.tsx';

export type Tone = 'good' | 'warn' | 'bad' | 'info' | 'muted';

/** What each status means: its colour, its icon, and words for somebody who sees it for the first time. */
export const STATUS: Readonly<Record<PartitionStatus, { tone: Tone; icon: IconName; meaning: string }>> = {
  OK: { tone: 'good', icon: 'ok', meaning: 'Nothing waits, or what waits is falling.' },
  UNKNOWN: { tone: 'muted', icon: 'unknown', meaning: 'Too little is known to say.' },
  WARN: { tone: 'warn', icon: 'warn', meaning: 'Events are handled, but what waits never falls.' },
  REWIND: {
    tone: 'bad',
    icon: 'rewind',
    meaning: 'The position went back: Redis lost data, or somebody moved the group.',
  },
  STALL: { tone: 'bad', icon: 'stall', meaning: 'Owned, something waits, and the position does not move.' },
  STOP: { tone: 'bad', icon: 'stop', meaning: 'Something waits and nobody works on it.' },
};

export function StatusBadge({ status, reason }: { readonly status: PartitionStatus; readonly reason?: string }) {
  const { tone, icon, meaning } = STATUS[status];
  return (
    <Badge tone={tone} icon={icon} title={reason ?? meaning}>
      {status}
    </Badge>
  );
}

export interface BadgeProps {
  readonly tone: Tone;
  readonly icon?: IconName;
  readonly title?: string;
  readonly children: React.ReactNode;
}

export function Badge({ tone, icon, title, children }: BadgeProps) {
  return (
    <span className={`badge tone-${tone}`} title={title}>
      {icon ? <Icon name={icon} size={12} /> : null}
      {children}
    </span>
  );
}
