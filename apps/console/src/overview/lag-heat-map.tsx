import type { PartitionView } from '@rejoin/operations';
import { Link } from 'wouter';
import { useHistory } from '../api/use-partitions.ts';
import { formatCompact, formatCount } from '../format/quantity.ts';
import { formatTime } from '../format/time.ts';
import { LagValue } from '../format/values.tsx';
import { Icon } from '../shell/icon.tsx';
import { STATUS } from '../status/status-badge.tsx';
import { heatOf } from './heat.ts';

/** A row for each partition, a cell for each minute, darker where more waits. Hatched: not known. */
export function LagHeatMap({ partitions }: { readonly partitions: readonly PartitionView[] }) {
  const history = useHistory();
  return (
    <div className={partitions.length > 16 ? 'heat dense' : 'heat'}>
      {partitions.map((item) => (
        <HeatRow
          key={item.partition}
          item={item}
          cells={history?.lag[item.partition] ?? []}
          from={history?.from ?? 0}
          stepMs={history?.stepMs ?? 0}
        />
      ))}
      <p className="heat-key muted">
        {[0, 1, 10, 100, 1_000, 10_000].map((value) => (
          <span key={value}>
            <span className={`heat-cell heat-${heatOf(value)}`} aria-hidden="true" />{' '}
            {value === 0 ? '0' : `≥ ${formatCompact(value)}`}
          </span>
        ))}
        <span>
          <span className="heat-cell heat-none" aria-hidden="true" /> not known
        </span>
      </p>
    </div>
  );
}

interface HeatRowProps {
  readonly item: PartitionView;
  readonly cells: readonly (number | null)[];
  readonly from: number;
  readonly stepMs: number;
}

function HeatRow({ item, cells, from, stepMs }: HeatRowProps) {
  const { tone, icon } = STATUS[item.status];
  const known = cells.filter((value) => value !== null);
  const most = known.length === 0 ? 'not known' : `most ${formatCount(Math.max(...known))}`;
  return (
    <div className="heat-row">
      <Link href={`/partitions/${item.partition}`} className={`heat-name tone-${tone}`} title={item.statusReason}>
        <Icon name={icon} size={12} />
        <span className="for-readers">Partition</span> {item.partition}{' '}
        <span className="for-readers">{item.status}</span>
      </Link>
      <span
        className="heat-cells"
        role="img"
        aria-label={`Lag of partition ${item.partition} in the last hour: ${most}`}
      >
        {cells.map((value, step) => {
          const at = from + step * stepMs;
          return (
            <span
              key={at}
              className={`heat-cell heat-${value === null ? 'none' : heatOf(value)}`}
              title={`${formatTime(new Date(at))}: ${value === null ? 'not known' : formatCount(value)}`}
            />
          );
        })}
      </span>
      <span className="heat-now">
        <LagValue lag={item.lag} reason={item.lagReason} />
      </span>
    </div>
  );
}
