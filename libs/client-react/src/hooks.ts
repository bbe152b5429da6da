import type {
  ClientState,
  EventHandler,
  EventMap,
  EventOf,
  Gap,
  PatternOf,
  ReceivedEvent,
  RejoinClient,
  RejoinError,
} from '@rejoin/client';
import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { useAnyClient } from './provider.ts';

export interface Connection {
  readonly state: ClientState;
  /** Why it is `waiting` or `stopped`; `null` in every other state. */
  readonly cause: RejoinError | null;
}

export interface Hooks<Events extends EventMap<Events>> {
  useClient(): RejoinClient<Events>;
  /** The state of the client; the component is rendered again when it changes. */
  useConnection(): Connection;
  /** Handles events while the component is mounted. The handler may change with every rendering. */
  useEvent<Pattern extends PatternOf<Events>>(pattern: Pattern, handler: EventHandler<EventOf<Events, Pattern>>): void;
  /** Refetches what matters where something was missed for good. Its promise is awaited before the events that follow. */
  useGap(handler: (gap: Gap) => unknown): void;
  /**
   * Watches a resource while the component is mounted; `null` watches none.
   * @returns why it may not be watched, or `null`
   */
  useWatch(resource: string | null): RejoinError | null;
}

/** The hooks of an application's events: `export const { useEvent, useWatch } = createHooks<Events>()`. */
export function createHooks<Events extends EventMap<Events> = Record<string, unknown>>(): Hooks<Events> {
  return { useClient: useAnyClient, useConnection, useEvent, useGap, useWatch } as unknown as Hooks<Events>;
}

function useConnection(): Connection {
  const client = useAnyClient();
  const subscribe = useCallback((changed: () => void) => client.onState(changed), [client]);
  const state = useSyncExternalStore(
    subscribe,
    () => client.state,
    () => 'idle' as const,
  );
  return { state, cause: client.cause };
}

function useEvent(pattern: `${string}*`, handler: EventHandler<ReceivedEvent>): void {
  const client = useAnyClient();
  const latest = useLatest(handler);
  useEffect(
    () => client.on(pattern, (event, reception) => latest.current(event, reception)),
    [client, pattern, latest],
  );
}

function useGap(handler: (gap: Gap) => unknown): void {
  const client = useAnyClient();
  const latest = useLatest(handler);
  useEffect(() => client.onGap((gap) => latest.current(gap)), [client, latest]);
}

function useWatch(resource: string | null): RejoinError | null {
  const client = useAnyClient();
  const [refusal, setRefusal] = useState<RejoinError | null>(null);
  useEffect(() => {
    if (resource === null) return;
    let mounted = true;
    setRefusal(null);
    client.watch(resource).catch((error: unknown) => {
      if (mounted) setRefusal(error as RejoinError);
    });
    return () => {
      mounted = false;
      client.unwatch(resource);
    };
  }, [client, resource]);
  return refusal;
}

/** The newest value, for effects that are not to run again when it changes. */
function useLatest<Value>(value: Value): { readonly current: Value } {
  const latest = useRef(value);
  useEffect(() => {
    latest.current = value;
  });
  return latest;
}
