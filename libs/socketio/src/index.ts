export { clientAddress } from './client-address.ts';
export type { Acknowledgement } from './commands/acknowledgement.ts';
export type { Command, CommandContext } from './commands/command.ts';
export { Connection, type ConnectionState } from './connection.ts';
export {
  CONNECTION_SORTS,
  type ConnectionFilter,
  type ConnectionRank,
  type ConnectionReport,
  type ConnectionSort,
  type ControlRequest,
  type CursorsReply,
  type DisconnectReply,
  type ListReply,
  type ReplyTo,
  type SessionReport,
  type TraceReply,
} from './control/control-messages.ts';
export { type GatewayAnswer, GatewayControl, type GatewayControlOptions } from './control/gateway-control.ts';
export { compareRanks } from './control/gateway-reports.ts';
export { RefusedError } from './errors.ts';
export type { DeliveryCounters, GatewayFacts, GatewayListener, ResumeOutcome } from './gateway-listener.ts';
export { type ConnectionBounds, DEFAULT_CONNECTION_BOUNDS } from './limits/connection-limits.ts';
export { DEFAULT_RATES, type Rates } from './limits/rates.ts';
export { Membership } from './membership.ts';
export type { GatewayBounds, GatewayLog, ResumableGatewayOptions } from './options.ts';
export { type ConnectionPrincipal, roomsOf } from './principal.ts';
export type { ResourceToken } from './resource.ts';
export { ResumableGateway } from './resumable-gateway.ts';
export {
  liftBlock,
  type RevocationCause,
  type RevocationTarget,
  revoke,
  type StandingBlock,
  type StandingRevocation,
  standingBlocks,
  standingRevocation,
} from './revocations.ts';
