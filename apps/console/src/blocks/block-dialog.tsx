import type { DisconnectOutcome } from '@rejoin/operations';
import { useState } from 'react';
import { apiPost } from '../api/api-client.ts';
import { DisconnectPlan, useDisconnectPlan } from '../connections/disconnect-plan.tsx';
import { Disconnected } from '../connections/disconnected.tsx';
import { ActionDialog } from '../dialog/action-dialog.tsx';
import { Choice, Field } from '../dialog/field.tsx';

interface Props {
  /** What the filter says. */
  readonly initial: { readonly tenant: string; readonly user: string };
  readonly onClose: () => void;
}

/** Keeps a user, or a whole tenant, out for a time; whoever of them is connected is told to go. */
export function BlockDialog({ initial, onClose }: Props) {
  const [tenant, setTenant] = useState(initial.tenant);
  const [user, setUser] = useState(initial.user);
  const [blockMs, setBlockMs] = useState('3600000');
  const target = { tenant: tenant.trim(), ...(user.trim() === '' ? {} : { user: user.trim() }) };
  const whom = target.user ?? `everybody of ${target.tenant}`;
  const plan = useDisconnectPlan(target);
  const matched = plan.data?.matched;
  const many = target.user === undefined || (matched ?? 0) > 1;
  return (
    <ActionDialog
      title="Keep somebody out"
      confirm="Block"
      danger
      blocked={target.tenant === '' ? 'Name a tenant' : matched === undefined ? 'Counting …' : null}
      {...(many && matched !== undefined && matched > 0 ? { typeCount: matched } : {})}
      run={(reason) =>
        apiPost<DisconnectOutcome>('/v1/connections/disconnect', {
          ...target,
          reason,
          dryRun: false,
          blockMs: Number(blockMs),
        })
      }
      done={(outcome) => <Disconnected whom={whom} outcome={outcome} />}
      onClose={onClose}
    >
      <Field label="Tenant" value={tenant} onChange={setTenant} required />
      <Field label="User" value={user} onChange={setUser} placeholder="everybody of the tenant" />
      <Choice
        label="For"
        value={blockMs}
        onChange={setBlockMs}
        options={[
          ['300000', '5 minutes'],
          ['3600000', 'An hour'],
          ['86400000', 'A day'],
        ]}
      />
      {target.tenant === '' ? null : <DisconnectPlan plan={plan} />}
    </ActionDialog>
  );
}
