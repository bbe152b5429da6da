import type { DisconnectOutcome } from '@rejoin/operations';
import { type UseQueryResult, useQuery } from '@tanstack/react-query';
import { apiPost } from '../api/api-client.ts';
import { formatCount, plural } from '../format/quantity.ts';
import { QueryView } from '../status/states.tsx';

export interface DisconnectTarget {
  readonly tenant: string;
  readonly user?: string;
  readonly socketId?: string;
}

/** Whom a disconnect of `target` would meet; nobody is asked for while it names no tenant. */
export function useDisconnectPlan(target: DisconnectTarget): UseQueryResult<DisconnectOutcome, Error> {
  return useQuery({
    queryKey: ['disconnect', target],
    queryFn: () =>
      apiPost<DisconnectOutcome>('/v1/connections/disconnect', { ...target, dryRun: true, reason: 'preview' }),
    enabled: target.tenant !== '',
    gcTime: 0,
    retry: false,
  });
}

export function DisconnectPlan({ plan: query }: { readonly plan: UseQueryResult<DisconnectOutcome, Error> }) {
  return (
    <QueryView query={query} rows={2}>
      {(plan) => (
        <section className="plan" aria-label="Plan">
          <p className="plan-total">
            <strong>{plural(plan.matched, 'connection')}</strong>
            {plan.partial ? ' at least' : ''}, nothing is changed yet
          </p>
          <p className="muted">
            {plan.gateways
              .filter(({ connections }) => connections === null || connections > 0)
              .map(
                ({ id, answered, connections }) => `${id}: ${answered ? formatCount(connections ?? 0) : 'no answer'}`,
              )
              .join(' · ') || 'on no gateway'}
          </p>
        </section>
      )}
    </QueryView>
  );
}
