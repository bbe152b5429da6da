/** What a process of a scenario can be asked to do: each call takes one argument that passes through JSON. */
export type PeerCalls<Calls> = { [Name in keyof Calls]: (argument: never) => unknown };

export interface CallRequest {
  readonly id: number;
  readonly call: string;
  readonly argument: unknown;
}

export interface CallReply {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

/** Makes this process a peer: answers calls over IPC, and ends when its parent does. */
export function servePeer<Calls extends PeerCalls<Calls>>(calls: Calls, url = ''): void {
  const byName = calls as unknown as Record<string, (argument: unknown) => unknown>;
  process.on('disconnect', () => process.exit(0));
  process.on('SIGTERM', () => process.exit(0));
  process.on('message', ({ id, call, argument }: CallRequest) => {
    Promise.resolve()
      .then(() => byName[call]?.(argument))
      .then(
        (result) => reply({ id, result }),
        (error: unknown) =>
          reply({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
      );
  });
  // The parent may be gone already.
  if (!process.connected) process.exit(0);
  process.send?.({ type: 'ready', url });
}

function reply(message: CallReply): void {
  if (process.connected) process.send?.(message);
}

/** A setting that the parent always passes. */
export function required(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
}
