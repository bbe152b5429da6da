export { Connection, type ConnectionState } from './connection.ts';
export { RefusedError } from './errors.ts';
export { OriginPolicy } from './origin-policy.ts';
export { type ConnectionPrincipal, roomsOf } from './principal.ts';
export { type GatewayLog, ResumableGateway, type ResumableGatewayOptions } from './resumable-gateway.ts';
