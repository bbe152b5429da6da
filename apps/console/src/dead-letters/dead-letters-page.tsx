import type { DeadLetterCountsView, DeadLetterView, DeadLettersPage as Letters } from '@rejoin/operations';
import { useState } from 'react';
import { Button } from 'react-aria-components/Button';
import { useUrlState } from '../api/url-state.ts';
import { useApi, useApiList } from '../api/use-api.ts';
import { ActionButton } from '../dialog/action-button.tsx';
import { Choice } from '../dialog/field.tsx';
import { FilterBar, FilterField } from '../dialog/filter-bar.tsx';
import { formatCompact, formatCount, plural } from '../format/quantity.ts';
import { Ago, Count, None } from '../format/values.tsx';
import { Card, Page } from '../shell/page.tsx';
import { Empty, QueryView } from '../status/states.tsx';
import { Badge } from '../status/status-badge.tsx';
import { type Column, DataTable } from '../table/data-table.tsx';
import { PagedTable } from '../table/paged-table.tsx';
import { DeadLetterDrawer } from './dead-letter-drawer.tsx';
import { DEAD_LETTER_FILTER, type DeadLetterFilter, filterOf } from './filter.ts';
import { type Meant, RedriveDialog } from './redrive-dialog.tsx';
import { TasksCard } from './tasks-card.tsx';

const DEFAULTS = { ...DEAD_LETTER_FILTER, view: 'causes', letter: '' };

interface Action {
  readonly kind: 'redrive' | 'discard';
  readonly meant: Meant;
}

/** What could not be delivered: by cause first, for a hundred thousand of them have a handful. */
export function DeadLettersPage() {
  const [state, change] = useUrlState(DEFAULTS);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [action, setAction] = useState<Action | null>(null);
  const filter = filterOf(state);
  const groups = useApi<DeadLetterCountsView>('/v1/dead-letters/groups', filter, { refreshMs: 5_000 });
  const meant: Meant = chosen.size > 0 ? { ids: [...chosen] } : { filter };
  const count = chosen.size > 0 ? chosen.size : (groups.data?.matched ?? 0);
  const act = (kind: Action['kind']) => (
    <ActionButton
      small={false}
      danger={kind === 'discard'}
      disabled={count === 0}
      onPress={() => setAction({ kind, meant })}
    >
      {kind === 'redrive' ? 'Redrive' : 'Discard'}{' '}
      {chosen.size > 0 ? `${chosen.size} chosen` : Object.keys(filter).length > 0 ? 'all that match' : 'all'} …
    </ActionButton>
  );
  return (
    <Page
      title="Dead letters"
      about="Events that could not be delivered, kept with the reason. A redrive delivers them again; a discard gives them up."
      actions={
        <>
          {act('redrive')}
          {act('discard')}
        </>
      }
    >
      <TasksCard />
      <Filters state={state} change={change} />
      {state.view === 'causes' ? (
        <Card flush>
          <QueryView query={groups}>
            {(counts) => (
              <Causes
                counts={counts}
                onOpen={(fingerprint) => change({ fingerprint, view: 'letters' })}
                onAct={(kind, fingerprint) => setAction({ kind, meant: { filter: { ...filter, fingerprint } } })}
              />
            )}
          </QueryView>
        </Card>
      ) : (
        <LetterList filter={filter} chosen={chosen} onChoose={setChosen} onOpen={(letter) => change({ letter })} />
      )}
      {state.letter === '' ? null : (
        <DeadLetterDrawer
          id={state.letter}
          onAct={(kind) => setAction({ kind, meant: { ids: [state.letter] } })}
          onClose={() => change({ letter: '' })}
        />
      )}
      {action === null ? null : (
        <RedriveDialog
          {...action}
          onClose={() => {
            setAction(null);
            setChosen(new Set());
          }}
        />
      )}
    </Page>
  );
}

interface FiltersProps {
  readonly state: DeadLetterFilter & { view: string };
  readonly change: (change: Partial<typeof DEFAULTS>) => void;
}

function Filters({ state, change }: FiltersProps) {
  const isFiltered = Object.keys(filterOf(state)).length > 0;
  return (
    <FilterBar label="Filter dead letters">
      <Choice
        label="Show"
        value={state.view}
        onChange={(view) => change({ view })}
        options={[
          ['causes', 'By cause'],
          ['letters', 'One by one'],
        ]}
      />
      <FilterField label="Tenant" value={state.tenant} onChange={(tenant) => change({ tenant })} placeholder="any" />
      <FilterField label="Type" value={state.type} onChange={(type) => change({ type })} placeholder="order.*" />
      <FilterField label="Code" value={state.code} onChange={(code) => change({ code })} placeholder="any" />
      <FilterField
        label="Failed since"
        value={state.since}
        onChange={(since) => change({ since })}
        placeholder="2h, or a time"
        suggestions={['15m', '1h', '24h']}
      />
      {state.fingerprint === '' ? null : (
        <FilterField label="Cause" value={state.fingerprint} onChange={(fingerprint) => change({ fingerprint })} />
      )}
      {isFiltered ? (
        <Button className="button quiet" onPress={() => change(DEAD_LETTER_FILTER)}>
          Clear
        </Button>
      ) : null}
    </FilterBar>
  );
}

interface CausesProps {
  readonly counts: DeadLetterCountsView;
  readonly onOpen: (fingerprint: string) => void;
  readonly onAct: (kind: Action['kind'], fingerprint: string) => void;
}

function Causes({ counts, onOpen, onAct }: CausesProps) {
  const most = Math.max(...counts.groups.map(({ count }) => count), 1);
  return (
    <>
      <DataTable
        label="Causes of dead letters"
        rows={counts.groups}
        keyOf={({ fingerprint }) => fingerprint}
        columns={[
          {
            id: 'cause',
            header: 'Cause',
            cell: ({ code, message, fingerprint }) => (
              <span className="cause">
                <Button className="link" onPress={() => onOpen(fingerprint)}>
                  {message}
                </Button>
                <code>{code}</code>
              </span>
            ),
          },
          {
            id: 'count',
            header: 'Dead letters',
            cell: ({ count, code }) => (
              <span className="bar-cell">
                <progress className="bar tone-bad" max={most} value={count} aria-label={`${count} with ${code}`} />
                <span className="number">{formatCount(count)}</span>
              </span>
            ),
          },
          { id: 'first', header: 'First', room: 2, cell: ({ firstFailedAt }) => <Ago at={firstFailedAt} /> },
          { id: 'last', header: 'Latest', room: 2, cell: ({ lastFailedAt }) => <Ago at={lastFailedAt} /> },
          {
            id: 'act',
            header: 'Actions',
            end: true,
            cell: ({ fingerprint }) => (
              <span className="row-actions">
                <ActionButton onPress={() => onAct('redrive', fingerprint)}>Redrive …</ActionButton>
                <ActionButton danger onPress={() => onAct('discard', fingerprint)}>
                  Discard …
                </ActionButton>
              </span>
            ),
          },
        ]}
        empty={<NoLetters total={counts.total} />}
      />
      <footer className="table-foot">
        <span role="status">
          {plural(counts.matched, 'dead letter')} of {formatCount(counts.total)} match
          {counts.complete ? '' : ` so far: ${formatCount(counts.scanned)} were counted`}
        </span>
        <span className="muted">
          read <Ago at={counts.asOf} />
        </span>
      </footer>
    </>
  );
}

function NoLetters({ total }: { readonly total: number }) {
  return total === 0 ? (
    <Empty title="No dead letters">Everything that was accepted could be delivered.</Empty>
  ) : (
    <Empty title="None match" icon="search">
      There are {formatCount(total)} others. Change or clear the filter to see them.
    </Empty>
  );
}

interface LetterListProps {
  readonly filter: Record<string, string>;
  readonly chosen: ReadonlySet<string>;
  readonly onChoose: (chosen: ReadonlySet<string>) => void;
  readonly onOpen: (id: string) => void;
}

function LetterList({ filter, chosen, onChoose, onOpen }: LetterListProps) {
  const query = useApiList<Letters>('/v1/dead-letters', { ...filter, limit: 50 }, { refreshMs: 5_000 });
  const columns: Column<DeadLetterView>[] = [
    {
      id: 'event',
      header: 'Event',
      cell: ({ id, eventId, entryId }) => (
        <Button className="link" onPress={() => onOpen(id)}>
          {eventId ?? entryId}
        </Button>
      ),
    },
    { id: 'type', header: 'Type', cell: ({ type }) => type ?? <None /> },
    { id: 'tenant', header: 'Tenant', cell: ({ tenant }) => tenant ?? <None /> },
    { id: 'code', header: 'Code', cell: ({ code }) => <code>{code}</code> },
    { id: 'message', header: 'Message', room: 3, cell: ({ message }) => <span className="wrap">{message}</span> },
    { id: 'attempts', header: 'Attempts', end: true, room: 2, cell: ({ attempts }) => <Count value={attempts} /> },
    { id: 'last', header: 'Failed', room: 2, cell: ({ lastFailedAt }) => <Ago at={lastFailedAt} /> },
    {
      id: 'redrivable',
      header: 'Redrive',
      room: 2,
      cell: ({ redrivable, notRedrivable }) =>
        redrivable ? (
          <Badge tone="good" icon="ok">
            possible
          </Badge>
        ) : (
          <Badge tone="muted" icon="stop" title={notRedrivable ?? ''}>
            not possible
          </Badge>
        ),
    },
  ];
  return (
    <Card flush>
      <PagedTable<DeadLetterView, Letters>
        label="Dead letters"
        query={query}
        columns={columns}
        keyOf={({ id }) => id}
        selection={{ chosen, onChange: onChoose, nameOf: ({ eventId, entryId }) => eventId ?? entryId }}
        note={(pages) => {
          const scanned = pages.reduce((sum, page) => sum + page.scanned, 0);
          return `looked at ${formatCompact(scanned)} of ${formatCompact(pages[0]?.total ?? 0)}`;
        }}
        empty={<NoLetters total={query.data?.pages[0]?.total ?? 0} />}
      />
    </Card>
  );
}
