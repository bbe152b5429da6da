import { useCallback } from 'react';
import { useSearchParams } from 'wouter';

/**
 * What a page shows, in its address, so that a link shows the same to a colleague. What equals its default is left out of the
 * address.
 */
export function useUrlState<State extends Readonly<Record<string, string>>>(
  defaults: State,
): readonly [State, (change: Partial<State>) => void] {
  const [search, setSearch] = useSearchParams();
  const state = Object.fromEntries(
    Object.entries(defaults).map(([name, fallback]) => [name, search.get(name) ?? fallback]),
  ) as State;
  const change = useCallback(
    (changed: Partial<State>) => {
      setSearch(
        (previous) => {
          const next = new URLSearchParams(previous);
          for (const [name, value] of Object.entries(changed)) {
            if (value === undefined || value === defaults[name]) next.delete(name);
            else next.set(name, value as string);
          }
          return next;
        },
        { replace: true },
      );
    },
    [setSearch, defaults],
  );
  return [state, change];
}
