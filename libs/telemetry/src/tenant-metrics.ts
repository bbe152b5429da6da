import type { MetricNameOf } from './catalogue.ts';
import type { ProcessMetrics, Reading } from './process-metrics.ts';

/** What one tenant makes of the load now. */
export interface TenantFacts {
  readonly tenant: string;
  readonly eventsPerSecond: number;
  readonly roomWritesPerSecond: number;
  readonly bytesPerSecond: number;
}

/** Tenants that have series at one time, however many there are. */
const TENANTS = 10;

/**
 * The noisy neighbours, told by whoever looks at all tenants.
 * @param busiest at most so many tenants, the busiest first; read once for every scrape, and where it fails there are no series
 */
export function tenantMetrics(
  metrics: ProcessMetrics,
  busiest: (count: number) => Promise<readonly TenantFacts[]>,
): void {
  let known: readonly TenantFacts[] = [];
  metrics.beforeReading(async () => {
    known = [];
    known = (await busiest(TENANTS)).slice(0, TENANTS);
  });
  const each = (name: MetricNameOf<'gauge'>, read: (of: TenantFacts) => number): void =>
    metrics.readGauge(name, () => known.map((of): Reading => [{ tenant: of.tenant }, read(of)]));
  each('rejoin_tenant_events_per_second', ({ eventsPerSecond }) => eventsPerSecond);
  each('rejoin_tenant_room_writes_per_second', ({ roomWritesPerSecond }) => roomWritesPerSecond);
  each('rejoin_tenant_bytes_per_second', ({ bytesPerSecond }) => bytesPerSecond);
}
