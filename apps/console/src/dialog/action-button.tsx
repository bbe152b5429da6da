import { Button } from 'react-aria-components/Button';
import { useMayWrite } from '../api/live.ts';

/** Starts an action. Who may only look sees that there is one, and why it is not for them. */
export function ActionButton({
  onPress,
  children,
  danger = false,
  small = true,
  disabled = false,
}: {
  readonly onPress: () => void;
  readonly children: React.ReactNode;
  readonly danger?: boolean;
  readonly small?: boolean;
  readonly disabled?: boolean;
}) {
  const mayWrite = useMayWrite();
  return (
    <span title={mayWrite ? undefined : 'Your token lacks the scope ops:write'}>
      <Button
        className={`button ${small ? 'small' : ''} ${danger ? 'danger-quiet' : ''}`}
        isDisabled={!mayWrite || disabled}
        onPress={onPress}
      >
        {children}
      </Button>
    </span>
  );
}
