import type { CoveragePage as Coverage, CoverageView } from '@rejoin/operations';
import { Link } from 'wouter';
import { useApiList } from '../api/use-api.ts';
import { formatBytes, formatCompact } from '../format/quantity.ts';
import { formatDuration } from '../format/time.ts';
import { Age, Count, None, Time, Unknown } from '../format/values.tsx';
import { Card, Page } from '../shell/page.tsx';
import { Empty } from '../status/states.tsx';
import { Badge } from '../status/status-badge.tsx';
import type { Column } from '../table/data-table.tsx';
import { PagedTable } from '../table/paged-table.tsx';

/** How far back clients may resume, and until when that will do. */
export function CoveragePage() {
  const query = useApiList<Coverage>('/v1/coverage', { limit: 500 }, { refreshMs: 10_000 });
  return (
    <Page
      title="Replay coverage"
      about="A client that comes back with a cursor older than this is told of a gap: how far back each partition reaches."
    >
      <Card flush>
        <PagedTable<CoverageView, Coverage>
          label="Replay coverage by partition"
          query={query}
          columns={COLUMNS}
          keyOf={({ partition }) => String(partition)}
          note={([page]) =>
            page && page.unanswered.length > 0
              ? `no answer from ${page.unanswered.join(', ')}: their cursors are missing`
              : null
          }
          empty={<Empty title="No partitions" icon="unknown" />}
        />
      </Card>
    </Page>
  );
}

const LIMITS = {
  window: { tone: 'good', icon: 'ok', word: 'the window', help: 'All of the configured window is there' },
  bytes: {
    tone: 'warn',
    icon: 'warn',
    word: 'REPLAY_MAX_BYTES',
    help: 'Trimmed earlier than the window: raise REPLAY_MAX_BYTES to keep more',
  },
  youth: {
    tone: 'info',
    icon: 'ok',
    word: 'its youth',
    help: 'Nothing was trimmed yet: everything there ever was can be replayed',
  },
} as const;

const COLUMNS: readonly Column<CoverageView>[] = [
  {
    id: 'partition',
    header: 'Partition',
    cell: ({ partition }) => <Link href={`/partitions/${partition}`}>{partition}</Link>,
  },
  {
    id: 'covered',
    header: 'Covered',
    cell: ({ coveredMs, windowMs, limitedBy }) => (
      <span className="bar-cell">
        <progress
          className={limitedBy === 'bytes' ? 'bar tone-warn' : 'bar'}
          max={windowMs}
          value={Math.min(coveredMs, windowMs)}
          aria-label={`${formatDuration(coveredMs)} of ${formatDuration(windowMs)}`}
        />
        <span className="number">{formatDuration(coveredMs)}</span>
      </span>
    ),
  },
  {
    id: 'limit',
    header: 'Limited by',
    room: 2,
    cell: ({ limitedBy }) => {
      const { tone, icon, word, help } = LIMITS[limitedBy];
      return (
        <Badge tone={tone} icon={icon} title={help}>
          {word}
        </Badge>
      );
    },
  },
  { id: 'oldest', header: 'Resumable since', cell: ({ oldestResumable }) => <Time at={oldestResumable} /> },
  {
    id: 'forecast',
    header: 'Forecast',
    end: true,
    room: 2,
    help: 'What will be covered at the present rate, at most the window',
    cell: ({ forecastMs }) => (forecastMs === null ? <Unknown why="no rate is known yet" /> : <Age ms={forecastMs} />),
  },
  {
    id: 'feed',
    header: 'Feed',
    end: true,
    room: 2,
    cell: ({ feedEntries, feedBytes }) => (
      <span className="number" title={`${feedEntries} entries`}>
        {formatCompact(feedEntries)} · {formatBytes(feedBytes)}
      </span>
    ),
  },
  {
    id: 'growth',
    header: 'Grows by',
    end: true,
    room: 3,
    cell: ({ bytesPerHour }) =>
      bytesPerHour === null ? <Unknown /> : <span className="number">{formatBytes(bytesPerHour)}/h</span>,
  },
  {
    id: 'known',
    header: 'Known cursors',
    end: true,
    room: 2,
    cell: ({ cursorsKnown }) => <Count value={cursorsKnown} />,
  },
  {
    id: 'outside',
    header: 'With a gap',
    end: true,
    cell: ({ cursorsOutside }) =>
      cursorsOutside === 0 ? (
        <Count value={0} />
      ) : (
        <Badge tone="bad" icon="warn">
          {cursorsOutside}
        </Badge>
      ),
  },
  {
    id: 'until',
    header: 'First falls out in',
    end: true,
    room: 3,
    cell: ({ hoursUntilOutside }) =>
      hoursUntilOutside === null ? <None /> : <Age ms={hoursUntilOutside * 3_600_000} />,
  },
];
