import type { Keyspace, RedisClient } from '@rejoin/redis';
import { CommandLimits } from '../commands/command-limits.ts';
import type { GatewaySettings } from '../options.ts';
import { ConnectionLimits } from './connection-limits.ts';
import type { LimitListener } from './limit-listener.ts';
import { RateLimit } from './rate-limit.ts';

/** What a gateway holds its clients to. What must hold over all gateways is counted in Redis. */
export interface GatewayLimits {
  readonly connections: ConnectionLimits;
  readonly handshakesPerAddress: RateLimit;
  readonly handshakesPerUser: RateLimit;
  readonly commands: CommandLimits;
}

const MINUTE_S = 60;
const COMMANDS_S = 10;

export function createLimits(
  client: RedisClient,
  keys: Keyspace,
  { connections, rates }: GatewaySettings,
  listener: LimitListener,
): GatewayLimits {
  const shared = (scope: string, points: number, durationS: number): RateLimit =>
    RateLimit.shared(client, keys, { scope, points, durationS, listener });
  return {
    connections: new ConnectionLimits(client, keys, connections, listener),
    handshakesPerAddress: shared('handshakes_per_address', rates.handshakesPerAddress, MINUTE_S),
    handshakesPerUser: shared('handshakes_per_user', rates.handshakesPerUser, MINUTE_S),
    commands: new CommandLimits(
      RateLimit.inMemory({
        scope: 'commands_per_socket',
        points: rates.commandsPerSocket,
        durationS: COMMANDS_S,
        listener,
      }),
      shared('commands_per_user', rates.commandsPerUser, COMMANDS_S),
      listener,
    ),
  };
}
