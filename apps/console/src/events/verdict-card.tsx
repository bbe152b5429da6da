import type { Verdict, VerdictCode } from '@rejoin/operations';
import { Icon, type IconName } from '../shell/icon.tsx';
import type { Tone } from '../status/status-badge.tsx';

const VERDICTS: Readonly<Record<VerdictCode, { tone: Tone; icon: IconName; word: string }>> = {
  DELIVERED_ACKNOWLEDGED: { tone: 'good', icon: 'ok', word: 'Delivered and acknowledged' },
  DELIVERED: { tone: 'good', icon: 'ok', word: 'Delivered' },
  WAITING: { tone: 'warn', icon: 'pending', word: 'Still waiting' },
  SLOW: { tone: 'warn', icon: 'pending', word: 'Slow' },
  FILTERED: { tone: 'info', icon: 'settings', word: 'Filtered by the client' },
  NOT_IN_AUDIENCE: { tone: 'info', icon: 'user', word: 'Not in the audience' },
  NO_RULE: { tone: 'bad', icon: 'stop', word: 'No rule' },
  DEAD_LETTERED: { tone: 'bad', icon: 'dead', word: 'Dead-lettered' },
  TRIMMED: { tone: 'bad', icon: 'stop', word: 'Trimmed' },
  OFFLINE: { tone: 'warn', icon: 'connections', word: 'Offline' },
  BLOCKED: { tone: 'bad', icon: 'stop', word: 'Blocked' },
  REVOKED: { tone: 'bad', icon: 'stop', word: 'Revoked' },
  UNKNOWN: { tone: 'muted', icon: 'unknown', word: 'Not known' },
};

/** One answer, the facts that it follows from, and what to do. */
export function VerdictCard({ verdict }: { readonly verdict: Verdict }) {
  const { tone, icon, word } = VERDICTS[verdict.verdict];
  return (
    <section className={`health verdict tone-${tone}`} aria-label="Verdict">
      <span className="health-icon">
        <Icon name={icon} size={22} />
      </span>
      <div>
        <p className="health-title">
          {verdict.user} · {word}
        </p>
        <p className="health-text">{verdict.summary}</p>
        <ul>
          {verdict.evidence.map((fact) => (
            <li key={fact}>{fact}</li>
          ))}
        </ul>
        {verdict.remedy === null ? null : <p className="remedy">{verdict.remedy}</p>}
      </div>
      <code className="muted health-time">{verdict.verdict}</code>
    </section>
  );
}
