import type { PauseOutcome } from '@rejoin/operations';
import { useState } from 'react';
import { apiPost } from '../api/api-client.ts';
import { ActionDialog } from '../dialog/action-dialog.tsx';
import { Field } from '../dialog/field.tsx';
import { formatDuration, parseSpan } from '../format/time.ts';
import { Time } from '../format/values.tsx';

interface Props {
  readonly partition: string;
  readonly onClose: () => void;
}

/** A pause always has an end. */
export function PauseDialog({ partition, onClose }: Props) {
  const [duration, setDuration] = useState('15m');
  const durationMs = parseSpan(duration);
  return (
    <ActionDialog
      title={`Pause partition ${partition}`}
      confirm="Pause"
      danger
      blocked={durationMs === undefined ? 'Say for how long.' : null}
      run={(reason) => apiPost<PauseOutcome>(`/v1/partitions/${partition}/pause`, { durationMs, reason })}
      done={({ pause }) => (
        <p>
          Partition {partition} is paused
          {pause ? (
            <>
              {' '}
              until <Time at={pause.until} />
            </>
          ) : null}
          .
        </p>
      )}
      onClose={onClose}
    >
      <p>
        Nothing of this partition is delivered until the pause ends by itself. Publishing goes on, and what waits is
        still measured.
      </p>
      <Field
        label="For"
        value={duration}
        onChange={setDuration}
        suggestions={['5m', '15m', '1h', '4h']}
        error={durationMs === undefined ? 'A number with its unit: 30s, 15m, 2h' : null}
        help={
          durationMs === undefined ? undefined : `It costs up to ${formatDuration(durationMs)} of the replay window.`
        }
        required
      />
    </ActionDialog>
  );
}

export function ResumeDialog({ partition, onClose }: Props) {
  return (
    <ActionDialog
      title={`Resume partition ${partition}`}
      confirm="Resume"
      run={(reason) => apiPost<PauseOutcome>(`/v1/partitions/${partition}/resume`, { reason })}
      done={({ changed }) => (
        <p>{changed ? `Partition ${partition} is delivered again.` : `Partition ${partition} was not paused.`}</p>
      )}
      onClose={onClose}
    >
      <p>Its owner goes on at once, with what waited longest.</p>
    </ActionDialog>
  );
}
