import { parseCursor } from '@rejoin/protocol';
import * as v from 'valibot';
import type { Membership } from '../membership.ts';
import type { ConnectionPrincipal } from '../principal.ts';
import type { Command } from './command.ts';

/** The commands that belong to the connection itself, whatever gateway it is used with. */
export function sessionCommands(
  membership: Membership,
  authenticate: (token: unknown) => Promise<ConnectionPrincipal>,
): Command[] {
  return [
    {
      name: 'session:refresh',
      schema: v.strictObject({ token: v.string() }),
      async run(input, { connection }) {
        const principal = await authenticate((input as { token: string }).token);
        await membership.renew(connection, principal);
        return { expiresInMs: principal.expiresAtMs - Date.now() };
      },
    },
    {
      name: 'session:ack',
      schema: v.strictObject({
        cursor: v.pipe(
          v.string(),
          v.check((cursor) => parseCursor(cursor) !== null, 'must be a cursor'),
        ),
      }),
      run(input, { connection }) {
        connection.acknowledge((input as { cursor: string }).cursor);
      },
    },
  ];
}
