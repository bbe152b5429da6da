import type { Page } from '@rejoin/operations';
import { keepPreviousData, QueryClient, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { ApiError, apiGet, type Query } from './api-client.ts';

/** Answers that another try will not change. */
const FINAL = new Set([400, 401, 403, 404, 405]);

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 1_000,
      retry: (failures, error) => !(error instanceof ApiError && FINAL.has(error.status)) && failures < 2,
      retryDelay: (failures) => 500 * 2 ** failures,
    },
  },
});

export interface ApiOptions {
  readonly enabled?: boolean;
  /** Milliseconds after which it is asked for again while somebody looks; `false`: only when asked. */
  readonly refreshMs?: number | false;
}

/** One answer of the API. While another question is asked, the last answer stays, so that nothing jumps. */
export function useApi<T>(path: string, query: Query = {}, { enabled = true, refreshMs = false }: ApiOptions = {}) {
  return useQuery<T, Error>({
    queryKey: [path, query],
    queryFn: ({ signal }) => apiGet<T>(path, query, signal),
    enabled,
    refetchInterval: refreshMs,
    placeholderData: keepPreviousData,
  });
}

/** A list of the API, page after page. */
export function useApiList<P extends Page<unknown>>(
  path: string,
  query: Query = {},
  { enabled = true, refreshMs = false }: ApiOptions = {},
) {
  return useInfiniteQuery({
    queryKey: [path, 'list', query],
    queryFn: ({ signal, pageParam }) => apiGet<P>(path, { ...query, after: pageParam }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (last: P) => last.next,
    enabled,
    // What was loaded further down would be asked for again with every refresh.
    refetchInterval: (state) => ((state.state.data?.pages.length ?? 0) > 1 ? false : refreshMs),
    placeholderData: keepPreviousData,
  });
}

/** After a change: everything that may show it is asked for again. */
export function refreshEverything(): void {
  void queries.invalidateQueries();
}
