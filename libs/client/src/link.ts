import type { Ready } from '@rejoin/protocol';
import type { RejoinError } from './errors.ts';
import type { ReceivedEvent } from './event-map.ts';
import type { ClientState } from './state.ts';

/** A way to the gateway: a connection of this page's own, or one that its tabs share. */
export interface Link {
  connect(): void;
  disconnect(): void;
  /** Runs a command. @throws RejoinError */
  call(command: string, payload: object): Promise<unknown>;
  /** Resolves when the gateway confirms it. @throws RejoinError */
  watch(resource: string): Promise<void>;
  unwatch(resource: string): void;
  /** Tells the gateway that everything up to the cursor was handled. */
  acknowledge(cursor: string): void;
  /** Receives nothing for now, because handlers are behind. */
  pause(): void;
  /** Receives again, from the listener's position. */
  resume(): void;
  /** The page came back to the front, or to the network: waiting ends, and a connection proves that it is alive. */
  wake(): void;
}

export interface LinkListener {
  /** Where to resume. */
  readonly position: string | undefined;
  onState(state: ClientState, cause: RejoinError | null): void;
  /** The user whom the token names, before a connection is opened for it. */
  onIdentity(identity: string): Promise<void>;
  onBegin(): void;
  onEvent(event: ReceivedEvent, cursor: string): void;
  onReady(ready: Ready, cursor: string): void;
  onCursor(cursor: string): void;
  onError(error: RejoinError): void;
}
