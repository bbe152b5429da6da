import { useState } from 'react';
import { Button } from 'react-aria-components/Button';
import { ApiError } from '../api/api-client.ts';
import { refreshEverything } from '../api/use-api.ts';
import { formatCount } from '../format/quantity.ts';
import { Failure } from '../status/states.tsx';
import { Dialog } from './dialog.tsx';
import { Field } from './field.tsx';

export interface ActionDialogProps<Result> {
  readonly title: string;
  readonly confirm: string;
  readonly danger?: boolean;
  /** What will happen: the preview, and fields of its own. */
  readonly children?: React.ReactNode;
  /** Typed by the operator before it can start; `null`: not known yet. */
  readonly typeCount?: number | null;
  /** Why it cannot be done now, beside what this dialog finds itself. */
  readonly blocked?: string | null;
  readonly run: (reason: string) => Promise<Result>;
  /** Shown when it is done, in place of the form; without it the dialog closes. */
  readonly done?: (result: Result) => React.ReactNode;
  readonly onClose: () => void;
}

/** Every action asks for a reason, says beforehand what it will do, and afterwards what it did. */
export function ActionDialog<Result>(props: ActionDialogProps<Result>) {
  const { title, confirm, danger = false, children, typeCount, blocked = null, run, done, onClose } = props;
  const [reason, setReason] = useState('');
  const [typed, setTyped] = useState('');
  const [state, setState] = useState<'open' | 'running' | 'done'>('open');
  const [error, setError] = useState<Error | null>(null);
  const [result, setResult] = useState<Result>();
  const counted = typeCount === undefined || typed.replaceAll(/[\s,.]/g, '') === String(typeCount);
  const ready = reason.trim() !== '' && counted && blocked === null && state === 'open';

  const start = async (): Promise<void> => {
    setState('running');
    setError(null);
    try {
      setResult(await run(reason.trim()));
      refreshEverything();
      if (done) setState('done');
      else onClose();
    } catch (failure) {
      setError(failure instanceof Error ? failure : new ApiError(0, 'UNKNOWN', String(failure)));
      setState('open');
    }
  };

  if (state === 'done' && done) {
    return (
      <Dialog title={title} onClose={onClose}>
        {done(result as Result)}
        <div className="dialog-actions">
          <Button className="button primary" onPress={onClose} autoFocus>
            Close
          </Button>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (ready) void start();
        }}
      >
        {children}
        <Field
          label="Reason"
          value={reason}
          onChange={setReason}
          placeholder="for example, an incident or a ticket"
          help="Kept in the audit with your name."
          required
        />
        {typeCount === undefined ? null : (
          <Field
            label={typeCount === null ? 'Count' : `Type ${formatCount(typeCount)} to confirm`}
            value={typed}
            onChange={setTyped}
            inputMode="numeric"
            required
          />
        )}
        {error ? <Failure error={error} /> : null}
        <div className="dialog-actions">
          {blocked ? <p className="muted">{blocked}</p> : null}
          <Button className="button" onPress={onClose}>
            Cancel
          </Button>
          <Button className={`button ${danger ? 'danger' : 'primary'}`} type="submit" isDisabled={!ready}>
            {state === 'running' ? 'Working …' : confirm}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
