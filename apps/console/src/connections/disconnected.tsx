import type { DisconnectOutcome } from '@rejoin/operations';
import { plural } from '../format/quantity.ts';
import { Time } from '../format/values.tsx';

interface Props {
  readonly whom: string;
  readonly outcome: DisconnectOutcome;
}

/** What a disconnect, with or without a block, has done. */
export function Disconnected({ whom, outcome: { disconnected, blockedUntil, partial } }: Props) {
  return (
    <>
      <p>
        {plural(disconnected, 'connection')} told to go
        {partial ? '; a gateway did not answer, so there may be more' : ''}.
      </p>
      {blockedUntil === null ? null : (
        <p>
          {whom} cannot come back before <Time at={blockedUntil} />.
        </p>
      )}
    </>
  );
}
