import { useState } from 'react';
import { Button } from 'react-aria-components/Button';
import { Dialog } from './dialog.tsx';
import { Field } from './field.tsx';

/** Payloads may hold what is nobody's business: whoever wants to see them says why, and the audit keeps it. */
export function PayloadDialog({
  what,
  onShow,
  onClose,
}: {
  /** What is shown: `the payload`. */
  readonly what: string;
  readonly onShow: (reason: string) => void;
  readonly onClose: () => void;
}) {
  const [reason, setReason] = useState('');
  const why = reason.trim();
  return (
    <Dialog title={`Show ${what}`} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (why === '') return;
          onShow(why);
          onClose();
        }}
      >
        <p>Each reading leaves a line with your name and this reason in the audit.</p>
        <Field
          label="Reason"
          value={reason}
          onChange={setReason}
          placeholder="for example, an incident or a ticket"
          required
        />
        <div className="dialog-actions">
          <Button className="button" onPress={onClose}>
            Cancel
          </Button>
          <Button className="button primary" type="submit" isDisabled={why === ''}>
            Show
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
