import * as v from 'valibot';
import { count, described } from './described.ts';
import { pageOf } from './page.ts';

/** What one tenant makes of the installation, among the entries that were looked at: the noisy neighbours. */
export const tenantView = v.object({
  tenant: v.string(),
  events: count,
  bytes: count,
  rooms: described(count, 'room writes: fan-out'),
  eventsPerSecond: v.nullable(v.number()),
  deadLetters: count,
});

export type TenantView = v.InferOutput<typeof tenantView>;

export const tenantsPage = pageOf(tenantView, { scanned: count, total: count });

export type TenantsPage = v.InferOutput<typeof tenantsPage>;
