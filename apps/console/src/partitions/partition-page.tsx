import type { PartitionDetail } from '@rejoin/operations';
import { useMemo, useState } from 'react';
import { Link } from 'wouter';
import { useApi } from '../api/use-api.ts';
import { LineChart } from '../chart/line-chart.tsx';
import { ActionButton } from '../dialog/action-button.tsx';
import { formatBytes, formatCompact } from '../format/quantity.ts';
import { formatDuration } from '../format/time.ts';
import { Age, Ago, Count, Id, LagValue, None, Rate, Time, Unknown } from '../format/values.tsx';
import { Card, Fact, Facts, Page, Tile } from '../shell/page.tsx';
import { QueryView } from '../status/states.tsx';
import { StatusBadge } from '../status/status-badge.tsx';
import { Owner } from './partitions-page.tsx';
import { PauseDialog, ResumeDialog } from './pause-dialog.tsx';

export function PartitionPage({ partition }: { readonly partition: string }) {
  const query = useApi<PartitionDetail>(`/v1/partitions/${encodeURIComponent(partition)}`, {}, { refreshMs: 2_000 });
  const [dialog, setDialog] = useState<'pause' | 'resume' | null>(null);
  const paused = query.data?.paused ?? null;
  return (
    <Page
      title={`Partition ${partition}`}
      about={<Link href="/partitions">All partitions</Link>}
      actions={
        query.data ? (
          paused ? (
            <ActionButton small={false} onPress={() => setDialog('resume')}>
              Resume …
            </ActionButton>
          ) : (
            <ActionButton small={false} onPress={() => setDialog('pause')}>
              Pause …
            </ActionButton>
          )
        ) : null
      }
    >
      <QueryView query={query}>{(detail) => <Detail detail={detail} />}</QueryView>
      {dialog === 'pause' ? <PauseDialog partition={partition} onClose={() => setDialog(null)} /> : null}
      {dialog === 'resume' ? <ResumeDialog partition={partition} onClose={() => setDialog(null)} /> : null}
    </Page>
  );
}

function Detail({ detail }: { readonly detail: PartitionDetail }) {
  const { samples } = detail;
  const chart = useMemo(
    () => ({
      times: samples.map(({ at }) => Date.parse(at)),
      series: [
        { label: 'Waiting', color: '--chart-1', values: samples.map(({ value }) => value) },
        { label: 'In hand', color: '--chart-2', values: samples.map(({ pending }) => pending) },
      ],
    }),
    [samples],
  );
  return (
    <>
      <p className="headline">
        <StatusBadge status={detail.status} reason={detail.statusReason} /> {detail.statusReason}
      </p>
      <div className="tiles">
        <Tile name="Waiting" note={detail.lagReason ?? 'read by nobody yet'}>
          <LagValue lag={detail.lag} reason={detail.lagReason} />
        </Tile>
        <Tile name="Oldest waiting">
          <Age ms={detail.oldestUndeliveredAgeMs} />
        </Tile>
        <Tile name="In hand" note={<Link href={`/pending?p=${detail.partition}`}>show them</Link>}>
          <Count value={detail.pending} />
        </Tile>
        <Tile name="Oldest in hand">
          <Age ms={detail.oldestUnackedAgeMs} />
        </Tile>
        <Tile name="In">
          <Rate value={detail.inPerSecond} />
        </Tile>
        <Tile name="Out">
          <Rate value={detail.outPerSecond} />
        </Tile>
      </div>
      <Card title="Last hour">
        {samples.length < 2 ? (
          <p className="muted">The line begins with the second sample.</p>
        ) : (
          <LineChart label={`Partition ${detail.partition}`} format={formatCompact} {...chart} />
        )}
      </Card>
      <div className="columns">
        <Card title="Work">
          <Facts>
            <Fact name="Owner">
              <Owner owner={detail.owner} leased={detail.lease !== null} />
            </Fact>
            <Fact name="Lease">
              {detail.lease ? (
                <>
                  ends in {formatDuration(detail.lease.expiresInMs)}, token <Id value={detail.lease.token} short />
                </>
              ) : (
                <None what="no lease" />
              )}
            </Fact>
            <Fact name="Drained in">
              {detail.drainSeconds === null ? (
                <Unknown why="what waits does not fall" />
              ) : (
                <Age ms={detail.drainSeconds * 1_000} />
              )}
            </Fact>
            <Fact name="Put aside for later">
              <Count value={detail.parked} />
            </Fact>
            <Fact name="Dead letters">
              <Count value={detail.deadLetters} />
            </Fact>
            <Fact name="Paused">
              {detail.paused ? (
                <>
                  until <Time at={detail.paused.until} />: {detail.paused.reason}
                </>
              ) : (
                'no'
              )}
            </Fact>
            <Fact name="Publishing">{detail.publishing ?? 'accepted'}</Fact>
          </Facts>
        </Card>
        <Card title="Streams">
          <Facts>
            <Fact name="Not handled yet">
              <Count value={detail.backlog} />
            </Fact>
            <Fact name="Entries of the event stream">
              <Count value={detail.length} />
            </Fact>
            <Fact name="Last appended">
              {detail.lastAppended === null ? <None /> : <Id value={detail.lastAppended} />}
            </Fact>
            <Fact name="Last handled">
              <Id value={detail.done} />
            </Fact>
            <Fact name="Feed">
              {formatCompact(detail.feed.length)} entries, {formatBytes(detail.feed.bytes)}
            </Fact>
            <Fact name="End of the feed">{detail.feed.last === null ? <None /> : <Id value={detail.feed.last} />}</Fact>
            <Fact name="Read">
              <Ago at={detail.asOf} />
            </Fact>
          </Facts>
        </Card>
      </div>
    </>
  );
}
