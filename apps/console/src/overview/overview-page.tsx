import type {
  AuditPage,
  ConnectionsPage,
  CoveragePage,
  DoctorView,
  PartitionsPage,
  TenantsPage,
} from '@rejoin/operations';
import { Link } from 'wouter';
import { useApi } from '../api/use-api.ts';
import { usePartitions } from '../api/use-partitions.ts';
import { AUDIT_COLUMNS } from '../audit/audit-page.tsx';
import { formatBytes, formatCompact, formatRate, plural } from '../format/quantity.ts';
import { formatDuration } from '../format/time.ts';
import { Age, Ago, Count, Rate, Unknown } from '../format/values.tsx';
import { Icon } from '../shell/icon.tsx';
import { Card, Page, Tile } from '../shell/page.tsx';
import { Empty, QueryView } from '../status/states.tsx';
import { Badge, STATUS } from '../status/status-badge.tsx';
import { DataTable } from '../table/data-table.tsx';
import { LagHeatMap } from './lag-heat-map.tsx';
import { RateChart } from './rate-chart.tsx';
import { sumUp } from './totals.ts';

/** Is it well? If not: where, since when, how bad. */
export function OverviewPage() {
  const query = usePartitions();
  return (
    <Page title="Overview">
      <QueryView query={query} rows={10}>
        {(page) => (
          <>
            <Health page={page} />
            <Figures page={page} />
            <div className="columns wide-first">
              <Card title="Lag by partition" aside={<span className="muted">the last hour</span>}>
                <LagHeatMap partitions={page.items} />
              </Card>
              <RateChart />
            </div>
          </>
        )}
      </QueryView>
      <div className="columns">
        <Neighbours />
        <Doctor />
      </div>
      <LatestAudit />
    </Page>
  );
}

function Health({ page }: { readonly page: PartitionsPage }) {
  const { tone, icon, meaning } = STATUS[page.status];
  const bad = page.items.filter(({ status }) => status !== 'OK');
  const title =
    page.status === 'OK'
      ? `All ${plural(page.items.length, 'partition')} keep up`
      : `${bad.length} of ${plural(page.items.length, 'partition')} ${bad.length === 1 ? 'needs' : 'need'} a look`;
  return (
    <section className={`health tone-${tone}`} aria-label="Health">
      <span className="health-icon">
        <Icon name={icon} size={22} />
      </span>
      <div>
        <p className="health-title">
          {page.status} · {title}
        </p>
        <p className="health-text">
          {bad.length === 0
            ? meaning
            : bad.slice(0, 4).map((item) => (
                <span key={item.partition} className="health-item">
                  <Link href={`/partitions/${item.partition}`}>Partition {item.partition}</Link> {item.status}:{' '}
                  {item.statusReason}
                </span>
              ))}
          {bad.length > 4 ? <Link href="/partitions?sort=status&order=desc">and {bad.length - 4} more</Link> : null}
        </p>
      </div>
      <span className="muted health-time">
        as of <Ago at={page.asOf} />
      </span>
    </section>
  );
}

function Figures({ page }: { readonly page: PartitionsPage }) {
  const total = sumUp(page.items);
  const active = page.workers.filter((worker) => worker.active).length;
  const connections = useApi<ConnectionsPage>('/v1/connections', { limit: 1 }, { refreshMs: 5_000 });
  const coverage = useApi<CoveragePage>('/v1/coverage', { limit: 500 }, { refreshMs: 15_000 });
  const covered = coverage.data?.items.reduce((least, item) => Math.min(least, item.coveredMs), Infinity);
  const outside = coverage.data?.items.reduce((sum, item) => sum + item.cursorsOutside, 0) ?? 0;
  return (
    <div className="tiles">
      <Tile name="In">
        <Rate value={total.inPerSecond} />
      </Tile>
      <Tile name="Out">
        <Rate value={total.outPerSecond} />
      </Tile>
      <Tile
        name="Waiting"
        note={total.unknownLags > 0 ? `not known of ${plural(total.unknownLags, 'partition')}` : 'read by nobody yet'}
      >
        {total.lag === null ? (
          <Unknown why="no partition's lag is known" />
        ) : (
          `${total.lagExact ? '' : '≥ '}${formatCompact(total.lag)}`
        )}
      </Tile>
      <Tile name="Oldest waiting">
        <Age ms={total.oldestUndeliveredAgeMs} />
      </Tile>
      <Tile
        name="In hand"
        note={
          <>
            oldest <Age ms={total.oldestUnackedAgeMs} />
          </>
        }
      >
        <Link href="/pending">{formatCompact(total.pending)}</Link>
      </Tile>
      <Tile
        name="Dead letters"
        note={<Link href="/dead-letters">by cause</Link>}
        {...(total.deadLetters > 0 ? { tone: 'warn' } : {})}
      >
        <Count value={total.deadLetters} />
      </Tile>
      <Tile
        name="Connections"
        note={
          connections.data
            ? `on ${plural(connections.data.gateways.length, 'gateway')}${connections.data.partial ? ', not all answer' : ''}`
            : undefined
        }
      >
        {connections.data ? (
          <Link href="/connections">
            {connections.data.partial ? '≥ ' : ''}
            {formatCompact(connections.data.total)}
          </Link>
        ) : (
          <Unknown why={connections.error?.message ?? 'not read yet'} />
        )}
      </Tile>
      <Tile
        name="Workers"
        note={`${plural(page.items.length, 'partition')}`}
        {...(active < page.workers.length || active === 0 ? { tone: 'warn' } : {})}
      >
        <Link href="/partitions?view=owners">
          {active === page.workers.length ? active : `${active} of ${page.workers.length}`}
        </Link>
      </Tile>
      <Tile
        name="Replayable"
        note={outside > 0 ? `${plural(outside, 'cursor')} outside` : 'at least, on every partition'}
        {...(outside > 0 ? { tone: 'warn' } : {})}
      >
        {covered === undefined || covered === Infinity ? (
          <Unknown why={coverage.error?.message ?? 'not read yet'} />
        ) : (
          <Link href="/coverage">{formatDuration(covered)}</Link>
        )}
      </Tile>
    </div>
  );
}

function Neighbours() {
  const query = useApi<TenantsPage>('/v1/tenants', { limit: 6 }, { refreshMs: 10_000 });
  return (
    <Card
      title="Busiest tenants"
      flush
      aside={
        query.data ? (
          <span className="muted">
            of {formatCompact(query.data.scanned)}
            {query.data.total === null ? '' : ` of ${formatCompact(query.data.total)}`} entries
          </span>
        ) : null
      }
    >
      <QueryView query={query} rows={4}>
        {({ items }) => (
          <DataTable
            label="Busiest tenants"
            rows={items}
            keyOf={({ tenant }) => tenant}
            columns={[
              {
                id: 'tenant',
                header: 'Tenant',
                cell: ({ tenant }) => <Link href={`/events?tenant=${encodeURIComponent(tenant)}`}>{tenant}</Link>,
              },
              {
                id: 'rate',
                header: 'Events',
                end: true,
                cell: ({ events, eventsPerSecond }) =>
                  eventsPerSecond === null ? (
                    <Count value={events} />
                  ) : (
                    <span className="number">{formatRate(eventsPerSecond)}</span>
                  ),
              },
              { id: 'rooms', header: 'Room writes', end: true, cell: ({ rooms }) => <Count value={rooms} /> },
              {
                id: 'bytes',
                header: 'Bytes',
                end: true,
                cell: ({ bytes }) => <span className="number">{formatBytes(bytes)}</span>,
              },
              { id: 'dead', header: 'Dead', end: true, cell: ({ deadLetters }) => <Count value={deadLetters} /> },
            ]}
            empty={
              <Empty title="No events yet" icon="events">
                Publish one: <code>POST /v1/events</code>.
              </Empty>
            }
          />
        )}
      </QueryView>
    </Card>
  );
}

function Doctor() {
  const query = useApi<DoctorView>('/v1/doctor', {}, { refreshMs: 60_000 });
  return (
    <Card title="Doctor" aside={<Link href="/settings">more</Link>}>
      <QueryView query={query} rows={4}>
        {({ findings }) =>
          findings.length === 0 ? (
            <Empty title="Nothing to mend">The server's settings suit Rejoin.</Empty>
          ) : (
            <ul className="findings">
              {findings.slice(0, 4).map(({ code, severity, title, remedy }) => (
                <li key={code}>
                  <Badge
                    tone={severity === 'critical' ? 'bad' : severity === 'warning' ? 'warn' : 'info'}
                    icon={severity === 'critical' ? 'stop' : severity === 'warning' ? 'warn' : 'unknown'}
                  >
                    {severity}
                  </Badge>
                  <div>
                    <strong>{title}</strong>
                    <p className="remedy">{remedy}</p>
                  </div>
                </li>
              ))}
            </ul>
          )
        }
      </QueryView>
    </Card>
  );
}

function LatestAudit() {
  const query = useApi<AuditPage>('/v1/audit', { limit: 5 }, { refreshMs: 10_000 });
  return (
    <Card title="Latest actions" flush aside={<Link href="/audit">all</Link>}>
      <QueryView query={query} rows={3}>
        {({ items }) => (
          <DataTable
            label="Latest actions"
            rows={items}
            columns={AUDIT_COLUMNS}
            keyOf={({ id }) => id}
            empty={<Empty title="Nobody did anything yet" icon="audit" />}
          />
        )}
      </QueryView>
    </Card>
  );
}
