export { acquireDirectoryLock, type DirectoryLock } from './directory-lock.ts';
export { type EmbeddedRedis, type EmbeddedRedisOptions, type RedisExit, startEmbeddedRedis } from './embedded-redis.ts';
export { DirectoryInUseError, EmbeddedRedisError, type EmbeddedRedisErrorCode } from './errors.ts';
export { findRedisServer, MINIMUM_REDIS_MAJOR, type RedisServer } from './redis-server.ts';
