import type { MembersPage } from '@rejoin/operations';
import { useApiList } from '../api/use-api.ts';
import { ActionButton } from '../dialog/action-button.tsx';
import { Dialog } from '../dialog/dialog.tsx';
import { plural } from '../format/quantity.ts';
import { Empty } from '../status/states.tsx';
import type { Column } from '../table/data-table.tsx';
import { PagedTable } from '../table/paged-table.tsx';
import type { GroupChange } from './group-dialog.tsx';

type Member = MembersPage['items'][number];

interface Props {
  readonly tenant: string;
  readonly group: string;
  readonly onAct: (change: GroupChange) => void;
  readonly onClose: () => void;
}

/** Who is in one group. */
export function GroupDrawer({ tenant, group, onAct, onClose }: Props) {
  const query = useApiList<MembersPage>('/v1/groups/members', { tenant, group, limit: 100 });
  const columns: readonly Column<Member>[] = [
    { id: 'user', header: 'User', cell: ({ user }) => <strong>{user}</strong> },
    {
      id: 'act',
      header: 'Actions',
      end: true,
      cell: ({ user }) => (
        <span className="row-actions">
          <ActionButton danger onPress={() => onAct({ kind: 'remove', tenant, group, users: [user] })}>
            Remove …
          </ActionButton>
        </span>
      ),
    },
  ];
  return (
    <Dialog title={`Group ${group}`} onClose={onClose} drawer>
      <div className="row-actions">
        <ActionButton onPress={() => onAct({ kind: 'add', tenant, group })}>Add users …</ActionButton>
        <ActionButton danger onPress={() => onAct({ kind: 'remove', tenant, group })}>
          Remove users …
        </ActionButton>
      </div>
      <PagedTable<Member, MembersPage>
        label={`Members of ${group}`}
        query={query}
        columns={columns}
        keyOf={({ user }) => user}
        note={([page]) => (page ? `of ${plural(page.size, 'member')}` : null)}
        empty={
          <Empty title="Nobody is in it" icon="groups">
            Without members it is no group any more.
          </Empty>
        }
      />
    </Dialog>
  );
}
