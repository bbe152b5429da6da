import type { BlocksPage as Blocks, BlockView, LiftOutcome } from '@rejoin/operations';
import { useState } from 'react';
import { Button } from 'react-aria-components/Button';
import { apiPost } from '../api/api-client.ts';
import { useUrlState } from '../api/url-state.ts';
import { useApiList } from '../api/use-api.ts';
import { ActionButton } from '../dialog/action-button.tsx';
import { ActionDialog } from '../dialog/action-dialog.tsx';
import { FilterBar, FilterField } from '../dialog/filter-bar.tsx';
import { Age, Time } from '../format/values.tsx';
import { Card, Page } from '../shell/page.tsx';
import { Empty } from '../status/states.tsx';
import type { Column } from '../table/data-table.tsx';
import { PagedTable } from '../table/paged-table.tsx';
import { BlockDialog } from './block-dialog.tsx';

const DEFAULTS = { tenant: '', user: '' };

/** Who is kept out for a time, by whom nobody but the audit says. */
export function BlocksPage() {
  const [state, change] = useUrlState(DEFAULTS);
  const [adds, setAdds] = useState(false);
  const [lifted, setLifted] = useState<BlockView | null>(null);
  const query = useApiList<Blocks>('/v1/blocks', { ...state, limit: 50 }, { refreshMs: 5_000 });
  return (
    <Page
      title="Blocks"
      about="Who is kept out, until when. A block ends by itself; the audit says who set it and why."
      actions={
        <ActionButton small={false} danger onPress={() => setAdds(true)}>
          Block …
        </ActionButton>
      }
    >
      <FilterBar label="Filter blocks">
        <FilterField label="Tenant" value={state.tenant} onChange={(tenant) => change({ tenant })} placeholder="any" />
        <FilterField label="User" value={state.user} onChange={(user) => change({ user })} placeholder="any" />
        {state.tenant === '' && state.user === '' ? null : (
          <Button className="button quiet" onPress={() => change(DEFAULTS)}>
            Clear
          </Button>
        )}
      </FilterBar>
      <Card flush>
        <PagedTable<BlockView, Blocks>
          label="Blocks"
          query={query}
          columns={columnsFor(setLifted)}
          keyOf={({ tenant, user }) => JSON.stringify([tenant, user])}
          note={(pages) => (pages.every(({ complete }) => complete) ? null : 'older ones may be missing')}
          empty={
            <Empty title="Nobody is kept out" icon="ok">
              A block keeps a user, or everybody of a tenant, from connecting for a time.
            </Empty>
          }
        />
      </Card>
      {adds ? <BlockDialog initial={state} onClose={() => setAdds(false)} /> : null}
      {lifted ? <LiftDialog block={lifted} onClose={() => setLifted(null)} /> : null}
    </Page>
  );
}

function LiftDialog({ block, onClose }: { readonly block: BlockView; readonly onClose: () => void }) {
  const whom = nameOf(block);
  return (
    <ActionDialog
      title={`Let ${whom} in again`}
      confirm="Lift the block"
      run={(reason) =>
        apiPost<LiftOutcome>('/v1/blocks/lift', {
          tenant: block.tenant,
          ...(block.user === null ? {} : { user: block.user }),
          reason,
          dryRun: false,
        })
      }
      done={() => <p>{whom} may connect again.</p>}
      onClose={onClose}
    >
      <p>
        The block would end by itself in <Age ms={block.remainingMs} />.
      </p>
    </ActionDialog>
  );
}

function nameOf({ tenant, user }: BlockView): string {
  return user ?? `everybody of ${tenant}`;
}

function columnsFor(onLift: (block: BlockView) => void): readonly Column<BlockView>[] {
  return [
    {
      id: 'user',
      header: 'User',
      cell: ({ user }) => (user === null ? <em>everybody</em> : <strong>{user}</strong>),
    },
    { id: 'tenant', header: 'Tenant', cell: ({ tenant }) => tenant },
    { id: 'since', header: 'Since', room: 2, cell: ({ since }) => <Time at={since} /> },
    { id: 'until', header: 'Until', cell: ({ until }) => <Time at={until} /> },
    { id: 'remaining', header: 'Left', end: true, cell: ({ remainingMs }) => <Age ms={remainingMs} /> },
    {
      id: 'act',
      header: 'Actions',
      end: true,
      cell: (block) => (
        <span className="row-actions">
          <ActionButton onPress={() => onLift(block)}>Lift …</ActionButton>
        </span>
      ),
    },
  ];
}
