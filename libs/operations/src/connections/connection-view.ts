import * as v from 'valibot';
import { count, described, entryId, milliseconds, partitionNumber, time } from '../described.ts';
import { pageOf } from '../page.ts';

/** One client's connection. */
export const connectionView = v.object({
  socketId: v.string(),
  gateway: v.string(),
  tenant: v.string(),
  user: v.string(),
  roles: v.array(v.string()),
  transport: v.picklist(['websocket', 'polling', 'unknown']),
  state: v.picklist(['replaying', 'live', 'closing', 'closed']),
  address: v.string(),
  connectedAt: time,
  ageMs: milliseconds,
  resumed: described(v.boolean(), 'it came with a cursor'),
  tokenExpiresAt: time,
  partition: partitionNumber,
  cursor: described(v.string(), 'everything up to it was written or was not for this client'),
  entryId,
  acknowledged: described(v.nullable(entryId), 'the last entry that the client said it handled'),
  behindMs: described(milliseconds, "behind the gateway's tail, by the time of the entries; 0 where it is live"),
  bufferedBytes: count,
  watching: v.array(v.string()),
});

export type ConnectionView = v.InferOutput<typeof connectionView>;

export const gatewayView = v.object({
  id: v.string(),
  answered: described(v.boolean(), 'false: it did not answer in time, so its connections are missing here'),
  connections: described(v.nullable(count), 'that match'),
  lastSeen: time,
});

export type GatewayView = v.InferOutput<typeof gatewayView>;

const counted = v.array(v.object({ name: v.string(), count }));

export const connectionsPage = pageOf(connectionView, {
  total: described(count, 'connections that match, on the gateways that answered'),
  partial: described(v.boolean(), 'a gateway did not answer'),
  gateways: v.array(gatewayView),
  summary: v.object({
    tenants: described(counted, 'most first, at most 100'),
    transports: counted,
    states: counted,
    bufferedBytes: count,
  }),
});

export type ConnectionsPage = v.InferOutput<typeof connectionsPage>;

/** What a disconnect did, or would do. */
export const disconnectOutcome = v.object({
  dryRun: v.boolean(),
  matched: described(count, 'connections meant'),
  disconnected: described(count, 'connections told to go'),
  partial: v.boolean(),
  gateways: v.array(gatewayView),
  blockedUntil: described(v.nullable(time), 'nobody meant may come back before; null where not blocked'),
});

export type DisconnectOutcome = v.InferOutput<typeof disconnectOutcome>;
