import type { PartitionsPage } from '@rejoin/operations';
import { skipToken, useQuery } from '@tanstack/react-query';
import { type History, LIVE_HISTORY, LIVE_PARTITIONS, useLiveState } from './live.ts';
import { useApi } from './use-api.ts';

/** Every partition: pushed while the server pushes, else asked for every three seconds. */
export function usePartitions() {
  const state = useLiveState();
  const pushed = useQuery<PartitionsPage>({ queryKey: LIVE_PARTITIONS, queryFn: skipToken, staleTime: Infinity });
  const isLive = state === 'live' && pushed.data !== undefined;
  const asked = useApi<PartitionsPage>('/v1/partitions', { limit: 500 }, { enabled: !isLive, refreshMs: 3_000 });
  return isLive ? { ...asked, data: pushed.data, error: null, isPending: false } : asked;
}

/** The last hour of every partition; only where the server pushes. */
export function useHistory(): History | undefined {
  return useQuery<History>({ queryKey: LIVE_HISTORY, queryFn: skipToken, staleTime: Infinity }).data;
}
