export { type ConnectionOptions, type ConnectionUse, connect, disconnect, reconnectDelayMs } from './connection.ts';
export {
  DEFAULT_PARTITIONS,
  type Installation,
  newEpoch,
  openInstallation,
  PartitionCountMismatchError,
} from './installation.ts';
export { CONSUMER, GROUP, type Keyspace, keyspace, type PartitionKeys } from './keyspace.ts';
export { loadScript, type RedisClient, type Script } from './script.ts';
export { someAtATime } from './some-at-a-time.ts';
export { type HostPort, InvalidRedisUrlError, parseRedisUrl, type RedisTarget, redact } from './url.ts';
