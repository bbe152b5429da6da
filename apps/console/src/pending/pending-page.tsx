import type { PendingPage as Pending, PendingView } from '@rejoin/operations';
import { Link } from 'wouter';
import { useUrlState } from '../api/url-state.ts';
import { useApiList } from '../api/use-api.ts';
import { usePartitions } from '../api/use-partitions.ts';
import { Choice } from '../dialog/field.tsx';
import { FilterBar } from '../dialog/filter-bar.tsx';
import { plural } from '../format/quantity.ts';
import { Age, Count, Id, None, Unknown } from '../format/values.tsx';
import { Card, Page } from '../shell/page.tsx';
import { Empty } from '../status/states.tsx';
import { Badge } from '../status/status-badge.tsx';
import type { Column } from '../table/data-table.tsx';
import { PagedTable } from '../table/paged-table.tsx';

const DEFAULTS = { p: '', idle: '' };

/** What was read and not acknowledged. Looking raises no delivery count. */
export function PendingPage() {
  const [state, change] = useUrlState(DEFAULTS);
  const partitions = usePartitions().data?.items ?? [];
  const fullest = partitions.reduce((most, item) => (item.pending > (most?.pending ?? 0) ? item : most), partitions[0]);
  const shown = state.p === '' ? String(fullest?.partition ?? 0) : state.p;
  const query = useApiList<Pending>(
    `/v1/partitions/${encodeURIComponent(shown)}/pending`,
    { minIdleMs: state.idle },
    { refreshMs: 5_000 },
  );
  return (
    <Page
      title="Pending"
      about="Entries that a worker has had in hand for more than half a second. Looking at them changes nothing."
    >
      <FilterBar label="Filter pending entries">
        <Choice
          label="Partition"
          value={shown}
          onChange={(p) => change({ p })}
          options={
            partitions.length === 0
              ? [[shown, shown]]
              : partitions.map(
                  ({ partition, pending }) => [String(partition), `${partition} · ${pending} pending`] as const,
                )
          }
        />
        <Choice
          label="Idle for at least"
          value={state.idle}
          onChange={(idle) => change({ idle })}
          options={[
            ['', 'any time'],
            ['1000', '1 second'],
            ['10000', '10 seconds'],
            ['60000', '1 minute'],
          ]}
        />
      </FilterBar>
      <Card flush>
        <PagedTable<PendingView, Pending>
          label={`Pending entries of partition ${shown}`}
          query={query}
          columns={COLUMNS}
          keyOf={({ entryId }) => entryId}
          note={([page]) => (page && page.total !== null ? `${plural(page.total, 'entry', 'entries')} pending` : null)}
          empty={
            <Empty title="Nothing is in hand">
              Every entry that was read is acknowledged. What is read now shows up here for moments only.
            </Empty>
          }
        />
      </Card>
    </Page>
  );
}

const COLUMNS: readonly Column<PendingView>[] = [
  { id: 'entry', header: 'Entry', cell: ({ entryId }) => <Id value={entryId} /> },
  {
    id: 'event',
    header: 'Event',
    cell: ({ eventId, payload }) =>
      payload === 'gone' ? (
        <Badge tone="bad" icon="stop" title="Trimmed while it was pending">
          payload gone
        </Badge>
      ) : eventId === null ? (
        <Unknown why="the entry is not a valid event" />
      ) : (
        <Link href={`/trace?id=${encodeURIComponent(eventId)}`}>{eventId}</Link>
      ),
  },
  { id: 'type', header: 'Type', room: 2, cell: ({ type }) => type ?? <None /> },
  { id: 'tenant', header: 'Tenant', room: 2, cell: ({ tenant }) => tenant ?? <None /> },
  { id: 'age', header: 'Age', end: true, cell: ({ ageMs }) => <Age ms={ageMs} /> },
  {
    id: 'idle',
    header: 'Idle',
    end: true,
    help: 'Since it was last given to a worker',
    cell: ({ idleMs }) => <Age ms={idleMs} />,
  },
  { id: 'deliveries', header: 'Deliveries', end: true, cell: ({ deliveries }) => <Count value={deliveries} /> },
  {
    id: 'error',
    header: 'Last error',
    room: 2,
    help: 'Of the attempt before this one, where the event was parked or redriven',
    cell: (entry) => failureOf(entry) ?? <None />,
  },
];

/** What is known of earlier tries of an entry, in words. */
function failureOf({ lastError, attempt, trials }: PendingView): string | null {
  const parts = [
    lastError,
    attempt === null ? null : `attempt ${attempt}`,
    trials === null || trials < 2 ? null : `${trials} workers began with it`,
  ].filter((part) => part !== null);
  return parts.length === 0 ? null : parts.join(' · ');
}
