import type { AuditPage as Audits, AuditView } from '@rejoin/operations';
import { useUrlState } from '../api/url-state.ts';
import { useApiList } from '../api/use-api.ts';
import { Choice } from '../dialog/field.tsx';
import { FilterBar, FilterField } from '../dialog/filter-bar.tsx';
import { Count, None, Time } from '../format/values.tsx';
import { Card, Page } from '../shell/page.tsx';
import { Empty } from '../status/states.tsx';
import { Badge } from '../status/status-badge.tsx';
import type { Column } from '../table/data-table.tsx';
import { PagedTable } from '../table/paged-table.tsx';

const DEFAULTS = { action: '', by: '', since: '' };

const ACTION_WORDS: Readonly<Record<AuditView['action'], string>> = {
  'dead-letters.redrive': 'redrove dead letters',
  'dead-letters.discard': 'discarded dead letters',
  'dead-letters.cancel': 'cancelled a task',
  'connections.disconnect': 'disconnected',
  'connections.block': 'blocked',
  'connections.unblock': 'unblocked',
  'group.change': 'changed a group',
  'partition.pause': 'paused a partition',
  'partition.resume': 'resumed a partition',
  'payload.show': 'looked at a payload',
};

/** Who did what, to how many, and why. Lines are only ever added. */
export function AuditPage() {
  const [state, change] = useUrlState(DEFAULTS);
  const query = useApiList<Audits>(
    '/v1/audit',
    {
      action: state.action,
      by: state.by,
      since: state.since,
    },
    { refreshMs: 10_000 },
  );
  return (
    <Page title="Audit" about="Who did what, to how many, and why. Nothing is ever taken out of it.">
      <FilterBar label="Filter the audit">
        <Choice
          label="Action"
          value={state.action}
          onChange={(action) => change({ action })}
          options={[['', 'Any'], ...Object.entries(ACTION_WORDS)]}
        />
        <FilterField label="By" value={state.by} onChange={(by) => change({ by })} placeholder="anybody" />
        <FilterField
          label="Since"
          value={state.since}
          onChange={(since) => change({ since })}
          placeholder="2h, or a time"
          suggestions={['15m', '1h', '24h', '7d']}
        />
      </FilterBar>
      <Card flush>
        <PagedTable<AuditView, Audits>
          label="Audit"
          query={query}
          columns={AUDIT_COLUMNS}
          keyOf={({ id }) => id}
          empty={
            <Empty title="No such lines" icon="audit">
              Everything that changes something, or shows a payload, leaves a line here.
            </Empty>
          }
        />
      </Card>
    </Page>
  );
}

const RESULT_TONES = { done: 'good', partial: 'warn', started: 'info', failed: 'bad' } as const;
const RESULT_ICONS = { done: 'ok', partial: 'warn', started: 'play', failed: 'stop' } as const;

export const AUDIT_COLUMNS: readonly Column<AuditView>[] = [
  { id: 'at', header: 'Time', cell: ({ at }) => <Time at={at} /> },
  { id: 'by', header: 'Who', cell: ({ by }) => <strong>{by}</strong> },
  { id: 'action', header: 'What', cell: ({ action }) => <span title={action}>{ACTION_WORDS[action] ?? action}</span> },
  {
    id: 'filter',
    header: 'Of what',
    room: 2,
    cell: ({ filter }) => <code className="wrap">{filterWords(filter)}</code>,
  },
  {
    id: 'count',
    header: 'Count',
    end: true,
    cell: ({ count }) => (count === null ? <None /> : <Count value={count} />),
  },
  {
    id: 'result',
    header: 'Result',
    cell: ({ result, detail }) => (
      <Badge tone={RESULT_TONES[result]} icon={RESULT_ICONS[result]} {...(detail === null ? {} : { title: detail })}>
        {result}
      </Badge>
    ),
  },
  { id: 'reason', header: 'Why', cell: ({ reason }) => <span className="wrap">{reason}</span> },
];

function filterWords(filter: AuditView['filter']): string {
  return Object.entries(filter)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ');
}
