import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Socket } from 'socket.io';
import type { Connection } from '../connection.ts';

/** On whose behalf a command runs. */
export interface CommandContext {
  readonly socket: Socket;
  readonly connection: Connection;
}

/** One command of a client: its name on the wire, who may call it, what it takes, and what it does. */
export interface Command {
  /** Socket.IO event, `<feature>:<verb>`. */
  readonly name: string;
  /** Checks and shapes the one argument. Any library that speaks Standard Schema: https://standardschema.dev */
  readonly schema: StandardSchemaV1;
  /** One of these roles is required, where given. */
  readonly roles?: readonly string[];
  /** All of these scopes are required, where given. */
  readonly scopes?: readonly string[];
  /** Longest run, in milliseconds; 10,000 by default. */
  readonly timeoutMs?: number;
  /**
   * What it returns becomes the acknowledgement's `data`.
   * @throws RefusedError to refuse with a code; anything else becomes `OVERLOADED`
   */
  run(input: unknown, context: CommandContext): unknown;
}
