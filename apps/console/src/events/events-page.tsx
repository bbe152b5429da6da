import type { EventsPage as Events, EventView } from '@rejoin/operations';
import { useState } from 'react';
import { Button } from 'react-aria-components/Button';
import { Link } from 'wouter';
import { useUrlState } from '../api/url-state.ts';
import { useApiList } from '../api/use-api.ts';
import { Choice } from '../dialog/field.tsx';
import { FilterBar, FilterField } from '../dialog/filter-bar.tsx';
import { PayloadDialog } from '../dialog/payload-dialog.tsx';
import { formatBytes, formatCompact } from '../format/quantity.ts';
import { None, Time, Unknown } from '../format/values.tsx';
import { Card, Page } from '../shell/page.tsx';
import { Empty } from '../status/states.tsx';
import { Badge } from '../status/status-badge.tsx';
import type { Column } from '../table/data-table.tsx';
import { PagedTable } from '../table/paged-table.tsx';

const FILTER = { tenant: '', type: '', subject: '', audience: '', since: '', until: '', stage: '' };
const DEFAULTS = { ...FILTER, order: 'newest' };

/** Peeking into the streams: the server filters, says how much it looked at, and changes nothing. */
export function EventsPage() {
  const [state, change] = useUrlState(DEFAULTS);
  const [why, setWhy] = useState<string | null>(null);
  const [asks, setAsks] = useState(false);
  const payload = why !== null;
  const { since, until, ...rest } = state;
  const query = useApiList<Events>('/v1/events', {
    ...rest,
    since,
    until,
    payload: payload ? true : undefined,
    reason: why ?? undefined,
    limit: 50,
  });
  const isFiltered = Object.entries(FILTER).some(([name, empty]) => state[name as keyof typeof FILTER] !== empty);
  return (
    <Page
      title="Events"
      about="What is in the streams, newest first. Payloads are masked unless you ask for them."
      actions={
        <>
          <Button className="button" isDisabled={query.isFetching} onPress={() => void query.refetch()}>
            Read again
          </Button>
          <Button
            className={payload ? 'button primary' : 'button'}
            onPress={() => (payload ? setWhy(null) : setAsks(true))}
            aria-pressed={payload}
          >
            {payload ? 'Mask payloads' : 'Show payloads …'}
          </Button>
        </>
      }
    >
      <FilterBar label="Filter events">
        <FilterField label="Tenant" value={state.tenant} onChange={(tenant) => change({ tenant })} placeholder="any" />
        <FilterField label="Type" value={state.type} onChange={(type) => change({ type })} placeholder="order.*" />
        <FilterField
          label="Subject"
          value={state.subject}
          onChange={(subject) => change({ subject })}
          placeholder="any"
        />
        <FilterField
          label="Audience"
          value={state.audience}
          onChange={(audience) => change({ audience })}
          placeholder="user:u-1"
        />
        <FilterField
          label="Since"
          value={since}
          onChange={(value) => change({ since: value })}
          placeholder="2h, or a time"
          suggestions={['5m', '1h', '24h']}
        />
        <FilterField label="Until" value={until} onChange={(value) => change({ until: value })} placeholder="now" />
        <Choice
          label="Stage"
          value={state.stage}
          onChange={(stage) => change({ stage })}
          options={[
            ['', 'Any'],
            ['waiting', 'Waiting'],
            ['fanned_out', 'Fanned out'],
          ]}
        />
        <Choice
          label="Order"
          value={state.order}
          onChange={(order) => change({ order })}
          options={[
            ['newest', 'Newest first'],
            ['oldest', 'Oldest first'],
          ]}
        />
        {isFiltered ? (
          <Button className="button quiet" onPress={() => change(FILTER)}>
            Clear
          </Button>
        ) : null}
      </FilterBar>
      {payload ? (
        <p className="notice tone-info" role="status">
          Payloads are shown. Each reading of them leaves a line with your name in the <Link href="/audit">audit</Link>.
        </p>
      ) : null}
      <Card flush>
        <PagedTable<EventView, Events>
          label="Events"
          query={query}
          columns={payload ? [...COLUMNS, PAYLOAD] : COLUMNS}
          keyOf={({ partition, entryId, stage }) => `${partition} ${entryId} ${stage}`}
          note={scanNote}
          empty={
            <Empty title="No events here" icon="search">
              {isFiltered
                ? 'None that was looked at matches. "Show more" looks further; a wider filter finds more.'
                : 'Nothing is in the streams. Publish an event, for example with POST /v1/events.'}
            </Empty>
          }
        />
      </Card>
      {asks ? <PayloadDialog what="payloads" onShow={setWhy} onClose={() => setAsks(false)} /> : null}
    </Page>
  );
}

function scanNote(pages: readonly Events[]): string {
  const scanned = pages.reduce((sum, page) => sum + page.scanned, 0);
  const more = pages.at(-1)?.exhausted === false ? ', there is more to look at' : '';
  return `scanned ${formatCompact(scanned)} of ${formatCompact(pages[0]?.total ?? 0)}${more}`;
}

const COLUMNS: readonly Column<EventView>[] = [
  { id: 'appended', header: 'Appended', cell: ({ appendedAt }) => <Time at={appendedAt} precise /> },
  {
    id: 'event',
    header: 'Event',
    cell: ({ eventId, tenant }) =>
      eventId === null ? (
        <Unknown why="the entry is not a valid event" />
      ) : (
        <Link href={`/trace?${new URLSearchParams({ id: eventId, ...(tenant === null ? {} : { tenant }) })}`}>
          {eventId}
        </Link>
      ),
  },
  { id: 'type', header: 'Type', cell: ({ type }) => type ?? <None /> },
  { id: 'tenant', header: 'Tenant', cell: ({ tenant }) => tenant ?? <None /> },
  { id: 'subject', header: 'Subject', room: 2, cell: ({ subject }) => subject ?? <None /> },
  {
    id: 'audience',
    header: 'Audience',
    room: 2,
    cell: ({ audience }) =>
      audience.length === 0 ? (
        <None what="names none" />
      ) : (
        <span className="tokens" title={audience.join(', ')}>
          {audience.slice(0, 3).map((token) => (
            <code key={token}>{token}</code>
          ))}
          {audience.length > 3 ? <span className="muted">+{audience.length - 3}</span> : null}
        </span>
      ),
  },
  {
    id: 'stage',
    header: 'Stage',
    room: 2,
    cell: ({ stage }) =>
      stage === 'waiting' ? (
        <Badge tone="warn" icon="pending">
          waiting
        </Badge>
      ) : (
        <Badge tone="good" icon="ok">
          fanned out
        </Badge>
      ),
  },
  {
    id: 'bytes',
    header: 'Size',
    end: true,
    room: 3,
    cell: ({ bytes }) => <span className="number">{formatBytes(bytes)}</span>,
  },
  {
    id: 'partition',
    header: 'Partition',
    end: true,
    room: 3,
    cell: ({ partition }) => <Link href={`/partitions/${partition}`}>{partition}</Link>,
  },
];

const PAYLOAD: Column<EventView> = {
  id: 'payload',
  header: 'Payload',
  cell: ({ data }) => <code className="payload">{data === undefined ? 'none' : JSON.stringify(data)}</code>,
};
