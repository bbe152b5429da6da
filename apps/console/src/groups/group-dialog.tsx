import type { GroupOutcome } from '@rejoin/operations';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { apiPost } from '../api/api-client.ts';
import { ActionDialog } from '../dialog/action-dialog.tsx';
import { Field } from '../dialog/field.tsx';
import { plural } from '../format/quantity.ts';
import { QueryView } from '../status/states.tsx';

export interface GroupChange {
  readonly kind: 'add' | 'remove';
  readonly tenant: string;
  /** `null`: the operator names it. */
  readonly group: string | null;
  /** Whom it is about; the operator names them where absent. */
  readonly users?: readonly string[];
}

/** Puts users into a group or takes them out, and says beforehand how many that changes. */
export function GroupDialog({ change, onClose }: { readonly change: GroupChange; readonly onClose: () => void }) {
  const { kind, tenant } = change;
  const [named, setNamed] = useState('');
  const [list, setList] = useState('');
  const group = change.group ?? named.trim();
  const users = change.users ?? usersIn(list);
  const request = { tenant, group, [kind]: users };
  const isNamed = group !== '' && users.length > 0;
  const plan = useQuery({
    queryKey: ['groups', 'change', request],
    queryFn: () => apiPost<GroupOutcome>('/v1/groups/change', { ...request, dryRun: true, reason: 'preview' }),
    enabled: isNamed,
    gcTime: 0,
    retry: false,
  });
  const word = kind === 'add' ? 'Add' : 'Remove';
  const changed = ({ added, removed }: GroupOutcome): number => added + removed;
  return (
    <ActionDialog
      title={change.group === null ? 'Add to a group' : `${word} ${kind === 'add' ? 'to' : 'from'} ${change.group}`}
      confirm={word}
      danger={kind === 'remove'}
      blocked={!isNamed ? 'Name the group and its users' : plan.data === undefined ? 'Counting …' : null}
      run={(reason) => apiPost<GroupOutcome>('/v1/groups/change', { ...request, reason, dryRun: false })}
      done={(outcome) => (
        <p>
          {plural(changed(outcome), 'user')} {kind === 'add' ? 'added' : 'removed'}; {group} has{' '}
          {plural(outcome.size, 'member')} now.
        </p>
      )}
      onClose={onClose}
    >
      {change.group === null ? <Field label="Group" value={named} onChange={setNamed} required /> : null}
      {change.users === undefined ? (
        <Field
          label="Users"
          value={list}
          onChange={setList}
          placeholder="u-1, u-2"
          help="Their ids, with commas between them."
          required
        />
      ) : null}
      {isNamed ? (
        <QueryView query={plan} rows={1}>
          {(outcome) => (
            <section className="plan" aria-label="Plan">
              <p className="plan-total">
                <strong>{plural(changed(outcome), 'user')}</strong> would be {kind === 'add' ? 'added' : 'removed'},
                nothing is changed yet
              </p>
              <p className="muted">
                {changed(outcome) < users.length
                  ? `The others are ${kind === 'add' ? 'in it already' : 'not in it'}. `
                  : ''}
                {plural(outcome.size, 'member')} afterwards
              </p>
            </section>
          )}
        </QueryView>
      ) : null}
    </ActionDialog>
  );
}

function usersIn(list: string): string[] {
  const users = list.split(',').map((user) => user.trim());
  return [...new Set(users.filter((user) => user !== ''))];
}
