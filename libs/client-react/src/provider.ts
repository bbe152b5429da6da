import type { RejoinClient } from '@rejoin/client';
import { createContext, createElement, type ReactElement, type ReactNode, useContext, useEffect } from 'react';

/** A client of any event map; {@link createHooks} gives the types back. */
type AnyClient = RejoinClient;

const ClientContext = createContext<AnyClient | null>(null);

export interface RejoinProviderProps {
  /** Made outside of the component, once. */
  readonly client: unknown;
  readonly children?: ReactNode;
}

/**
 * Gives a client to the components below, and keeps it connected while it is mounted. It connects after the effects of the
 * components that are mounted with it, so that their handlers miss nothing.
 */
export function RejoinProvider({ client, children }: RejoinProviderProps): ReactElement {
  const typed = client as AnyClient;
  useEffect(() => {
    typed.connect();
    return () => typed.disconnect();
  }, [typed]);
  return createElement(ClientContext.Provider, { value: typed }, children);
}

/** @throws Error where no {@link RejoinProvider} is above */
export function useAnyClient(): AnyClient {
  const client = useContext(ClientContext);
  if (!client) throw new Error('there is no RejoinProvider above this component');
  return client;
}
