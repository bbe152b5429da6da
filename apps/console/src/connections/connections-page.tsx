import type { ConnectionsPage as Connections, ConnectionView } from '@rejoin/operations';
import { useState } from 'react';
import { Button } from 'react-aria-components/Button';
import { useUrlState } from '../api/url-state.ts';
import { useApiList } from '../api/use-api.ts';
import { ActionButton } from '../dialog/action-button.tsx';
import { Choice } from '../dialog/field.tsx';
import { FilterBar, FilterField } from '../dialog/filter-bar.tsx';
import { formatBytes, formatCount } from '../format/quantity.ts';
import { Age, Count, Id, None } from '../format/values.tsx';
import { Card, Page } from '../shell/page.tsx';
import { Empty } from '../status/states.tsx';
import { Badge } from '../status/status-badge.tsx';
import type { Column } from '../table/data-table.tsx';
import { PagedTable } from '../table/paged-table.tsx';
import { ConnectionSummary } from './connection-summary.tsx';
import { DisconnectDialog } from './disconnect-dialog.tsx';
import type { DisconnectTarget } from './disconnect-plan.tsx';

const FILTER = { tenant: '', user: '', gateway: '', transport: '', state: '' };
const DEFAULTS = { ...FILTER, sort: '', order: 'desc' };

/** Who is connected, where, how far behind. */
export function ConnectionsPage() {
  const [state, change] = useUrlState(DEFAULTS);
  const [target, setTarget] = useState<DisconnectTarget | null>(null);
  const { sort, order, ...filter } = state;
  const query = useApiList<Connections>(
    '/v1/connections',
    { ...filter, ...(sort === '' ? {} : { sort, order }), limit: 50 },
    { refreshMs: 3_000 },
  );
  const first = query.data?.pages[0];
  return (
    <Page
      title="Connections"
      about="Every client on every gateway: how it came, how far it is, what it leaves unread."
      actions={
        <ActionButton
          small={false}
          danger
          disabled={state.tenant === ''}
          onPress={() => setTarget({ tenant: state.tenant, ...(state.user === '' ? {} : { user: state.user }) })}
        >
          Disconnect {state.user === '' ? (state.tenant === '' ? 'a tenant' : `all of ${state.tenant}`) : state.user} …
        </ActionButton>
      }
    >
      <FilterBar label="Filter connections">
        <FilterField label="Tenant" value={state.tenant} onChange={(tenant) => change({ tenant })} placeholder="any" />
        <FilterField label="User" value={state.user} onChange={(user) => change({ user })} placeholder="any" />
        <FilterField
          label="Gateway"
          value={state.gateway}
          onChange={(gateway) => change({ gateway })}
          placeholder="any"
          suggestions={first?.gateways.map(({ id }) => id) ?? []}
        />
        <Choice
          label="Transport"
          value={state.transport}
          onChange={(transport) => change({ transport })}
          options={[
            ['', 'Any'],
            ['websocket', 'WebSocket'],
            ['polling', 'Long-polling'],
          ]}
        />
        <Choice
          label="State"
          value={state.state}
          onChange={(next) => change({ state: next })}
          options={[['', 'Any'], ...['live', 'replaying', 'closing'].map((word) => [word, word] as const)]}
        />
        {Object.values(filter).some((value) => value !== '') ? (
          <Button className="button quiet" onPress={() => change(FILTER)}>
            Clear
          </Button>
        ) : null}
      </FilterBar>
      {first ? <ConnectionSummary page={first} onChoose={change} /> : null}
      <Card flush>
        <PagedTable<ConnectionView, Connections>
          label="Connections"
          query={query}
          columns={columnsFor(setTarget)}
          keyOf={({ gateway, socketId }) => `${gateway} ${socketId}`}
          sorting={{ sort, order }}
          onSort={change}
          note={([page]) =>
            page
              ? `${page.partial ? 'at least ' : ''}${formatCount(page.total)} match${page.partial ? ', not all gateways answer' : ''}`
              : null
          }
          empty={
            <Empty title="Nobody is connected that matches" icon="connections">
              Clients connect to a gateway with Socket.IO. Clear the filter to see everybody.
            </Empty>
          }
        />
      </Card>
      {target ? <DisconnectDialog target={target} onClose={() => setTarget(null)} /> : null}
    </Page>
  );
}

const STATES = {
  live: { tone: 'good', icon: 'ok' },
  replaying: { tone: 'info', icon: 'play' },
  closing: { tone: 'warn', icon: 'stall' },
  closed: { tone: 'muted', icon: 'stop' },
} as const;

function columnsFor(onDisconnect: (target: DisconnectTarget) => void): readonly Column<ConnectionView>[] {
  return [
    { id: 'user', header: 'User', cell: ({ user }) => <strong>{user}</strong> },
    { id: 'tenant', header: 'Tenant', cell: ({ tenant }) => tenant },
    {
      id: 'state',
      header: 'State',
      cell: ({ state }) => (
        <Badge tone={STATES[state].tone} icon={STATES[state].icon}>
          {state}
        </Badge>
      ),
    },
    { id: 'gateway', header: 'Gateway', room: 2, cell: ({ gateway }) => <code>{gateway}</code> },
    {
      id: 'transport',
      header: 'Transport',
      room: 2,
      cell: ({ transport, resumed }) => (
        <span title={resumed ? 'came with a cursor' : 'came without a cursor'}>
          {transport}
          {resumed ? ' · resumed' : ''}
        </span>
      ),
    },
    { id: 'age', header: 'Age', end: true, sort: 'connectedAt', cell: ({ ageMs }) => <Age ms={ageMs} /> },
    {
      id: 'behind',
      header: 'Behind',
      end: true,
      sort: 'behind',
      help: "Behind the gateway's end of the feed",
      cell: ({ behindMs }) => (behindMs === 0 ? <span className="muted">no</span> : <Age ms={behindMs} />),
    },
    {
      id: 'buffered',
      header: 'Buffered',
      end: true,
      sort: 'bufferedBytes',
      room: 2,
      cell: ({ bufferedBytes }) => (
        <span className={bufferedBytes === 0 ? 'number muted' : 'number'}>{formatBytes(bufferedBytes)}</span>
      ),
    },
    { id: 'cursor', header: 'Cursor', room: 3, cell: ({ entryId }) => <Id value={entryId} /> },
    {
      id: 'watching',
      header: 'Watches',
      room: 3,
      end: true,
      cell: ({ watching }) =>
        watching.length === 0 ? (
          <None />
        ) : (
          <span title={watching.join(', ')}>
            <Count value={watching.length} />
          </span>
        ),
    },
    {
      id: 'act',
      header: 'Actions',
      end: true,
      cell: ({ tenant, user, socketId }) => (
        <span className="row-actions">
          <ActionButton danger onPress={() => onDisconnect({ tenant, user, socketId })}>
            Disconnect …
          </ActionButton>
        </span>
      ),
    },
  ];
}
