import type { PartitionView, WorkerView } from '@rejoin/operations';
import { Link } from 'wouter';
import { formatDuration } from '../format/time.ts';
import { Ago } from '../format/values.tsx';
import { Icon } from '../shell/icon.tsx';
import { Empty } from '../status/states.tsx';
import { Badge, STATUS } from '../status/status-badge.tsx';

/** Partition × worker: who owns what, for how long yet, and who does nothing. */
export function OwnerGrid({
  partitions,
  workers,
}: {
  readonly partitions: readonly PartitionView[];
  readonly workers: readonly WorkerView[];
}) {
  const orphans = partitions.filter(({ owner }) => owner === null || !workers.some(({ id }) => id === owner));
  if (workers.length === 0 && partitions.length === 0)
    return <Empty title="No workers and no partitions" icon="unknown" />;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section className="table-scroll" aria-label="Owners, table" tabIndex={0}>
      <table className="table grid">
        <caption className="for-readers">Which worker owns which partition</caption>
        <thead>
          <tr>
            <th scope="col">Worker</th>
            <th scope="col">State</th>
            <th scope="col" className="end">
              Owns
            </th>
            {partitions.map(({ partition }) => (
              <th key={partition} scope="col" className="grid-head">
                <Link href={`/partitions/${partition}`}>{partition}</Link>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {workers.map((worker) => (
            <tr key={worker.id}>
              <th scope="row">
                <code>{worker.id}</code>
              </th>
              <td>
                <WorkerState worker={worker} />
              </td>
              <td className="end number">{worker.partitions.length}</td>
              {partitions.map((item) => (
                <td key={item.partition} className="grid-cell">
                  {item.owner === worker.id ? <OwnedCell item={item} /> : null}
                </td>
              ))}
            </tr>
          ))}
          {orphans.length === 0 ? null : (
            <tr>
              <th scope="row">
                <Badge tone="bad" icon="stop">
                  nobody
                </Badge>
              </th>
              <td className="muted">no owner that is known</td>
              <td className="end number">{orphans.length}</td>
              {partitions.map((item) => (
                <td key={item.partition} className="grid-cell">
                  {orphans.includes(item) ? <OwnedCell item={item} /> : null}
                </td>
              ))}
            </tr>
          )}
        </tbody>
      </table>
    </section>
  );
}

function OwnedCell({ item }: { readonly item: PartitionView }) {
  const { tone, icon } = STATUS[item.status];
  const lease = item.lease ? `lease ends in ${formatDuration(item.lease.expiresInMs)}` : 'no lease';
  return (
    <Link
      href={`/partitions/${item.partition}`}
      className={`cell tone-${tone}`}
      title={`Partition ${item.partition}: ${item.status}, ${lease}`}
      aria-label={`Partition ${item.partition}: ${item.status}, ${lease}`}
    >
      <Icon name={icon} size={12} />
    </Link>
  );
}

/** Idle has nothing to own; inactive was not heard of. */
function WorkerState({ worker }: { readonly worker: WorkerView }) {
  if (!worker.active) {
    return (
      <span>
        <Badge tone="bad" icon="stop" title="Its heartbeat is overdue">
          inactive
        </Badge>{' '}
        <small className="muted">
          seen <Ago at={worker.lastSeen} />
        </small>
      </span>
    );
  }
  return worker.partitions.length === 0 ? (
    <Badge tone="muted" icon="stall" title="It answers, and has no partition to work on">
      idle
    </Badge>
  ) : (
    <Badge tone="good" icon="ok">
      active
    </Badge>
  );
}
