import type { ReplayReport } from '@rejoin/protocol';
import type { RejoinError } from './errors.ts';
import type { ReceivedEvent } from './event-map.ts';
import type { ClientState } from './state.ts';

/** What arrives on connections, in the order in which it is to take effect. */
export type Arrival =
  /** A connection that resumes from `cursor`; a new client's has none. */
  | { readonly kind: 'begin'; readonly cursor: string | undefined }
  | { readonly kind: 'event'; readonly event: ReceivedEvent; readonly cursor: string }
  | { readonly kind: 'ready'; readonly replay: ReplayReport; readonly cursor: string }
  | { readonly kind: 'cursor'; readonly cursor: string };

/** A way to the gateway: a connection of this page's own, or one that its tabs share. */
export interface Link {
  /** Whether the connection is this page's own. */
  readonly leads: boolean;
  connect(): void;
  disconnect(): void;
  /** Runs a command. @throws RejoinError */
  call(command: string, payload: object): Promise<unknown>;
  /** Resolves when the gateway confirms it. Doing it twice is as good as once. @throws RejoinError */
  watch(resource: string): Promise<unknown>;
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
  position(): string | undefined;
  /** Everything up to here was received. */
  received(): string | undefined;
  /** The resources that are watched. */
  watched(): string[];
  onState(state: ClientState, cause: RejoinError | null): void;
  /** The user whom the token names; the connection is opened when this resolves. */
  onIdentity(identity: string): Promise<void>;
  onArrival(arrival: Arrival): void;
  onError(error: RejoinError): void;
}
