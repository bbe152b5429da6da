import type { DisconnectOutcome } from '@rejoin/operations';
import { useState } from 'react';
import { apiPost } from '../api/api-client.ts';
import { ActionDialog } from '../dialog/action-dialog.tsx';
import { Choice } from '../dialog/field.tsx';
import { DisconnectPlan, type DisconnectTarget, useDisconnectPlan } from './disconnect-plan.tsx';
import { Disconnected } from './disconnected.tsx';

interface Props {
  readonly target: DisconnectTarget;
  readonly onClose: () => void;
}

/** Says beforehand whom it meets; without a block they come back at once, and that is said too. */
export function DisconnectDialog({ target, onClose }: Props) {
  const [scope, setScope] = useState(target.socketId === undefined ? 'all' : 'one');
  const [blockMs, setBlockMs] = useState('');
  const { socketId, ...everyConnection } = target;
  // A block is of a user, so it ends all of the user's connections.
  const meant = scope === 'one' && blockMs === '' && socketId !== undefined ? target : everyConnection;
  const whom = target.user ?? `everybody of ${target.tenant}`;
  const preview = useDisconnectPlan(meant);
  const matched = preview.data?.matched;
  const many = (matched ?? 0) > 1;
  return (
    <ActionDialog
      title={`Disconnect ${whom}`}
      confirm={blockMs === '' ? 'Disconnect' : 'Disconnect and block'}
      danger
      blocked={matched === undefined ? 'Counting …' : null}
      {...(many ? { typeCount: matched ?? null } : {})}
      run={(reason) =>
        apiPost<DisconnectOutcome>('/v1/connections/disconnect', {
          ...meant,
          reason,
          dryRun: false,
          ...(blockMs === '' ? {} : { blockMs: Number(blockMs) }),
        })
      }
      done={(outcome) => <Disconnected whom={whom} outcome={outcome} />}
      onClose={onClose}
    >
      <DisconnectPlan plan={preview} />
      {target.socketId !== undefined && blockMs === '' ? (
        <Choice
          label="Which connections"
          value={scope}
          onChange={setScope}
          options={[
            ['one', 'This one'],
            ['all', `All of ${whom}`],
          ]}
        />
      ) : null}
      <Choice
        label="Block"
        value={blockMs}
        onChange={setBlockMs}
        options={[
          ['', 'No: clients reconnect at once'],
          ['300000', 'For 5 minutes'],
          ['3600000', 'For an hour'],
          ['86400000', 'For a day'],
        ]}
      />
    </ActionDialog>
  );
}
