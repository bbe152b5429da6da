import type { GroupsPage as Groups } from '@rejoin/operations';
import { useState } from 'react';
import { Button } from 'react-aria-components/Button';
import { useTenantOfToken } from '../api/live.ts';
import { useUrlState } from '../api/url-state.ts';
import { useApiList } from '../api/use-api.ts';
import { ActionButton } from '../dialog/action-button.tsx';
import { FilterBar, FilterField } from '../dialog/filter-bar.tsx';
import { Card, Page } from '../shell/page.tsx';
import { Empty } from '../status/states.tsx';
import type { Column } from '../table/data-table.tsx';
import { PagedTable } from '../table/paged-table.tsx';
import { type GroupChange, GroupDialog } from './group-dialog.tsx';
import { GroupDrawer } from './group-drawer.tsx';

const DEFAULTS = { tenant: '', group: '' };
type Group = Groups['items'][number];

/** The groups of a tenant that have members; a group is there as long as somebody is in it. */
export function GroupsPage() {
  const [state, change] = useUrlState(DEFAULTS);
  const [action, setAction] = useState<GroupChange | null>(null);
  const bound = useTenantOfToken();
  const tenant = bound ?? state.tenant;
  const query = useApiList<Groups>('/v1/groups', { tenant, limit: 100 }, { enabled: tenant !== '' });
  return (
    <Page
      title="Groups"
      about="Who is in which group: whoever is gets the events whose audience names it."
      actions={
        <ActionButton
          small={false}
          disabled={tenant === ''}
          onPress={() => setAction({ kind: 'add', tenant, group: null })}
        >
          Add to a group …
        </ActionButton>
      }
    >
      {bound === null ? (
        <FilterBar label="Whose groups">
          <FilterField
            label="Tenant"
            value={state.tenant}
            onChange={(next) => change({ tenant: next, group: '' })}
            placeholder="a tenant"
          />
        </FilterBar>
      ) : null}
      {tenant === '' ? (
        <Empty title="Whose groups?" icon="groups">
          Groups are a tenant’s own. Name the tenant above.
        </Empty>
      ) : (
        <Card flush>
          <PagedTable<Group, Groups>
            label={`Groups of ${tenant}`}
            query={query}
            columns={columnsFor((group) => change({ group }))}
            keyOf={({ group }) => group}
            empty={
              <Empty title={`${tenant} has no groups`} icon="groups">
                A group comes to be with its first member. Services change groups, too.
              </Empty>
            }
          />
        </Card>
      )}
      {tenant === '' || state.group === '' ? null : (
        <GroupDrawer tenant={tenant} group={state.group} onAct={setAction} onClose={() => change({ group: '' })} />
      )}
      {action ? <GroupDialog change={action} onClose={() => setAction(null)} /> : null}
    </Page>
  );
}

function columnsFor(onOpen: (group: string) => void): readonly Column<Group>[] {
  return [
    {
      id: 'group',
      header: 'Group',
      cell: ({ group }) => (
        <Button className="link" onPress={() => onOpen(group)}>
          {group}
        </Button>
      ),
    },
    { id: 'token', header: 'In an audience', cell: ({ group }) => <code>group:{group}</code> },
  ];
}
