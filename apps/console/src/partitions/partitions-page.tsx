import type { PartitionView } from '@rejoin/operations';
import { Link } from 'wouter';
import { useUrlState } from '../api/url-state.ts';
import { useHistory, usePartitions } from '../api/use-partitions.ts';
import { Sparkline } from '../chart/sparkline.tsx';
import { Choice } from '../dialog/field.tsx';
import { FilterBar } from '../dialog/filter-bar.tsx';
import { formatDuration } from '../format/time.ts';
import { Age, Ago, Count, LagValue, None, Rate, Unknown } from '../format/values.tsx';
import { Card, Page } from '../shell/page.tsx';
import { Empty, QueryView } from '../status/states.tsx';
import { Badge, StatusBadge } from '../status/status-badge.tsx';
import { PARTITION_STATUS_ORDER } from '../status/status-order.ts';
import { type Column, DataTable } from '../table/data-table.tsx';
import { OwnerGrid } from './owner-grid.tsx';

const DEFAULTS = { view: 'table', status: '', paused: '', sort: 'partition', order: 'asc' };

/** Every partition. There are few hundred at most and all are pushed, so they are sorted and filtered here. */
export function PartitionsPage() {
  const [state, change] = useUrlState(DEFAULTS);
  const query = usePartitions();
  return (
    <Page title="Partitions" about="What each has to do, how it does, and who works on it.">
      <FilterBar label="Filter partitions">
        <Choice
          label="Show"
          value={state.view}
          onChange={(view) => change({ view })}
          options={[
            ['table', 'Figures'],
            ['owners', 'Owners'],
          ]}
        />
        <Choice
          label="Status"
          value={state.status}
          onChange={(status) => change({ status })}
          options={[['', 'Any'], ...PARTITION_STATUS_ORDER.map((status) => [status, status] as const)]}
        />
        <Choice
          label="Pause"
          value={state.paused}
          onChange={(paused) => change({ paused })}
          options={[
            ['', 'Any'],
            ['1', 'Paused'],
          ]}
        />
      </FilterBar>
      <QueryView query={query} rows={8}>
        {(page) => {
          const items = page.items.filter(
            (item) =>
              (state.status === '' || item.status === state.status) && (state.paused === '' || item.paused !== null),
          );
          return (
            <Card flush>
              {state.view === 'owners' ? (
                <OwnerGrid partitions={items} workers={page.workers} />
              ) : (
                <PartitionTable items={items} sorting={state} onSort={change} />
              )}
              <footer className="table-foot">
                <span role="status">
                  {items.length} of {page.items.length} shown
                </span>
                <span className="muted">
                  as of <Ago at={page.asOf} /> · status and rates from the last {formatDuration(page.sampledForMs)}
                </span>
              </footer>
            </Card>
          );
        }}
      </QueryView>
    </Page>
  );
}

function PartitionTable(props: {
  readonly items: readonly PartitionView[];
  readonly sorting: { readonly sort: string; readonly order: string };
  readonly onSort: (sorting: { sort: string; order: string }) => void;
}) {
  const { items, sorting, onSort } = props;
  const history = useHistory();
  const columns: Column<PartitionView>[] = [
    {
      id: 'partition',
      header: 'Partition',
      sort: 'partition',
      cell: ({ partition, paused }) => (
        <span className="row-name">
          <Link href={`/partitions/${partition}`}>{partition}</Link>
          {paused ? (
            <Badge tone="warn" icon="stall" title={paused.reason}>
              paused
            </Badge>
          ) : null}
        </span>
      ),
    },
    {
      id: 'status',
      header: 'Status',
      sort: 'status',
      cell: ({ status, statusReason }) => <StatusBadge status={status} reason={statusReason} />,
    },
    {
      id: 'lag',
      header: 'Waiting',
      sort: 'lag',
      end: true,
      help: 'Entries that nobody has read yet',
      cell: ({ lag, lagReason }) => <LagValue lag={lag} reason={lagReason} />,
    },
    {
      id: 'hour',
      header: 'Last hour',
      room: 3,
      cell: ({ partition }) => (
        <Sparkline
          values={history?.lag[partition] ?? []}
          label={`Waiting in partition ${partition} over the last hour`}
        />
      ),
    },
    {
      id: 'age',
      header: 'Oldest waiting',
      sort: 'oldestUndeliveredAgeMs',
      end: true,
      cell: ({ oldestUndeliveredAgeMs }) => <Age ms={oldestUndeliveredAgeMs} />,
    },
    {
      id: 'pending',
      header: 'In hand',
      sort: 'pending',
      end: true,
      help: 'Entries read and not acknowledged',
      cell: ({ partition, pending }) =>
        pending === 0 ? (
          <Count value={0} />
        ) : (
          <Link href={`/pending?p=${partition}`}>
            <Count value={pending} />
          </Link>
        ),
    },
    {
      id: 'unacked',
      header: 'Oldest in hand',
      sort: 'oldestUnackedAgeMs',
      end: true,
      room: 2,
      cell: ({ oldestUnackedAgeMs }) => <Age ms={oldestUnackedAgeMs} />,
    },
    {
      id: 'in',
      header: 'In',
      sort: 'inPerSecond',
      end: true,
      room: 2,
      cell: ({ inPerSecond }) => <Rate value={inPerSecond} />,
    },
    {
      id: 'out',
      header: 'Out',
      sort: 'outPerSecond',
      end: true,
      room: 2,
      cell: ({ outPerSecond }) => <Rate value={outPerSecond} />,
    },
    {
      id: 'drain',
      header: 'Drained in',
      end: true,
      room: 3,
      help: 'Until nothing waits, at these rates',
      cell: ({ drainSeconds, lag }) =>
        lag?.value === 0 ? (
          <None what="nothing waits" />
        ) : drainSeconds !== null ? (
          <Age ms={drainSeconds * 1_000} />
        ) : (
          <Unknown why="what waits does not fall" />
        ),
    },
    {
      id: 'dead',
      header: 'Dead',
      sort: 'deadLetters',
      end: true,
      room: 2,
      cell: ({ deadLetters }) => <Count value={deadLetters} />,
    },
    {
      id: 'owner',
      header: 'Owner',
      room: 3,
      cell: ({ owner, lease }) => <Owner owner={owner} leased={lease !== null} />,
    },
    {
      id: 'lease',
      header: 'Lease ends in',
      end: true,
      room: 3,
      cell: ({ lease }) => (lease ? <Age ms={lease.expiresInMs} /> : <None what="no lease" />),
    },
  ];
  return (
    <DataTable
      label="Partitions"
      columns={columns}
      rows={[...items].sort(comparing(sorting))}
      keyOf={({ partition }) => String(partition)}
      sorting={sorting}
      onSort={onSort}
      empty={
        <Empty title="No partition is like that" icon="search">
          Change the filter to see others.
        </Empty>
      }
    />
  );
}

export function Owner({ owner, leased }: { readonly owner: string | null; readonly leased: boolean }) {
  if (owner !== null) return <code>{owner}</code>;
  return leased ? (
    <Unknown why="the lease does not name a worker that is known" />
  ) : (
    <Badge tone="bad" icon="stop" title="Nobody works on this partition">
      nobody
    </Badge>
  );
}

/** Numbers and states by size; what is not known stands last, whichever way. */
function comparing({ sort, order }: { readonly sort: string; readonly order: string }) {
  const sign = order === 'desc' ? -1 : 1;
  const key = (item: PartitionView): number | null => {
    if (sort === 'status') return PARTITION_STATUS_ORDER.indexOf(item.status);
    if (sort === 'lag') return item.lag?.value ?? null;
    const value = item[sort as keyof PartitionView];
    return typeof value === 'number' ? value : null;
  };
  return (a: PartitionView, b: PartitionView): number => {
    const [left, right] = [key(a), key(b)];
    if (left === null || right === null) return left === right ? a.partition - b.partition : left === null ? 1 : -1;
    return (left - right) * sign || a.partition - b.partition;
  };
}
