import type { DeadLetterAction, DeadLetterCountsView } from '@rejoin/operations';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { apiPost } from '../api/api-client.ts';
import { ActionDialog } from '../dialog/action-dialog.tsx';
import { Field } from '../dialog/field.tsx';
import { formatCount, plural } from '../format/quantity.ts';
import { formatDuration } from '../format/time.ts';
import { QueryView } from '../status/states.tsx';
import { TaskProgress } from './task-progress.tsx';

/** Some dead letters by their IDs, or all that match a filter. */
export type Meant = { readonly ids: readonly string[] } | { readonly filter: Record<string, string> };

interface Props {
  readonly kind: 'redrive' | 'discard';
  readonly meant: Meant;
  readonly onClose: () => void;
}

const RATES = ['10', '50', '100', '500', '1000'];

/** Plan, then run, then watch: what will happen is counted by the server before anything does. */
export function RedriveDialog({ kind, meant, onClose }: Props) {
  const [rate, setRate] = useState('100');
  const plan = useQuery({
    queryKey: ['plan', kind, meant],
    queryFn: () => apiPost<DeadLetterAction>(`/v1/dead-letters/${kind}`, { ...meant, dryRun: true, reason: 'plan' }),
    staleTime: Infinity,
    gcTime: 0,
    retry: false,
  });
  const matched = plan.data?.plan.matched;
  const perSecond = /^\d+$/.test(rate) && Number(rate) > 0 ? Number(rate) : null;
  const isRedrive = kind === 'redrive';
  return (
    <ActionDialog
      title={isRedrive ? 'Redrive dead letters' : 'Discard dead letters'}
      confirm={isRedrive ? 'Redrive' : 'Discard'}
      danger={!isRedrive}
      typeCount={matched ?? null}
      blocked={
        matched === undefined
          ? 'Counting …'
          : matched === 0
            ? 'Nothing matches.'
            : perSecond === null
              ? 'Give a rate.'
              : null
      }
      run={(reason) =>
        apiPost<DeadLetterAction>(`/v1/dead-letters/${kind}`, {
          ...meant,
          reason,
          dryRun: false,
          ratePerSecond: perSecond,
        })
      }
      done={({ task, plan: counted }) =>
        task ? (
          <TaskProgress id={task.id} initial={task} />
        ) : (
          <p>Nothing was left to do: {formatCount(counted.matched)} matched.</p>
        )
      }
      onClose={onClose}
    >
      <p>
        {isRedrive
          ? 'They go to their audience of today, through the same rules as a new event. What fails again comes back here.'
          : 'They are given up for good. A tombstone without the payload is kept for some days.'}
      </p>
      <QueryView query={plan} rows={4}>
        {({ plan: counts }) => <Plan counts={counts} />}
      </QueryView>
      <Field
        label="At most, per second"
        value={rate}
        onChange={setRate}
        inputMode="numeric"
        suggestions={RATES}
        error={perSecond === null ? 'A whole number above 0' : null}
        {...(matched !== undefined && perSecond !== null
          ? { help: `takes at least ${formatDuration((matched / perSecond) * 1_000)}` }
          : {})}
        required
      />
    </ActionDialog>
  );
}

function Plan({ counts }: { readonly counts: DeadLetterCountsView }) {
  return (
    <section className="plan" aria-label="Plan">
      <p className="plan-total">
        <strong>{plural(counts.matched, 'dead letter')}</strong>
        {counts.complete ? '' : ' at least'}, nothing is changed yet
      </p>
      <table className="table">
        <thead>
          <tr>
            <th scope="col">Tenant</th>
            <th scope="col">Type</th>
            <th scope="col" className="end">
              Count
            </th>
          </tr>
        </thead>
        <tbody>
          {counts.tenants.slice(0, 8).map(({ tenant, type, count }) => (
            <tr key={`${tenant} ${type}`}>
              <td>{tenant ?? 'unknown'}</td>
              <td>{type ?? 'unknown'}</td>
              <td className="end number">{formatCount(count)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {counts.tenants.length > 8 ? <p className="muted">and {counts.tenants.length - 8} more</p> : null}
    </section>
  );
}
