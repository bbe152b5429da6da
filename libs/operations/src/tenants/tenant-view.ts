import * as v from 'valibot';
import { count, described, time } from '../described.ts';
import { pageOf } from '../page.ts';

/** What one tenant makes of the installation, among the entries that were looked at: the noisy neighbours. */
export const tenantView = v.object({
  tenant: v.string(),
  events: described(count, 'fanned out'),
  bytes: described(count, 'of these events’ JSON'),
  rooms: described(count, 'room writes: fan-out'),
  eventsPerSecond: described(v.nullable(v.number()), 'from `since` to `asOf`; null where that is less than a second'),
  deadLetters: count,
});

export type TenantView = v.InferOutput<typeof tenantView>;

export const tenantsPage = pageOf(tenantView, {
  scanned: described(count, 'feed entries that are counted here'),
  total: described(v.nullable(count), 'feed entries that there are; null for a token that is bound to a tenant'),
  since: described(
    v.nullable(time),
    'of every partition, the entries from here on are counted; null where there are none',
  ),
  deadLettersComplete: described(v.boolean(), 'false: there are so many different ones that only some are counted'),
});

export type TenantsPage = v.InferOutput<typeof tenantsPage>;
