import { types } from 'node:util';

/**
 * Why Redis did not do what it was asked, as far as that decides what comes next.
 * - `connection`: the connection broke or stayed silent. The command may have been executed nevertheless.
 * - `passing`: Redis starts, fails over, moves slots, or waits for its replicas or its disk. It refused the command.
 * - `no-group`: the consumer group, or the whole stream, is gone.
 * - `memory`: Redis is above its `maxmemory`. It refused the command.
 * - `unexpected`: anything else; a defect, or an installation that somebody broke.
 */
export type RedisFailure = 'connection' | 'passing' | 'no-group' | 'memory' | 'unexpected';

/** @see https://github.com/redis/redis/blob/7.0/src/server.c (`createSharedObjects`) */
const PASSING = /^(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|MOVED|ASK|NOREPLICAS|MISCONF|BUSY)\b/;

/** Names of errors that ioredis makes when a connection is gone or is being closed. */
const CONNECTION_NAMES = new Set(['MaxRetriesPerRequestError', 'AbortError', 'ClusterAllFailedError']);
const CONNECTION_MESSAGES =
  /^(Connection is closed|Command timed out|Socket timeout|Stream isn't writeable|connect ETIMEDOUT|None of startup nodes|Cluster isn't ready|Failed to refresh slots|a blocking read stayed unanswered)/;

export function classifyRedisFailure(error: unknown): RedisFailure {
  if (!types.isNativeError(error)) return 'unexpected';
  if (error.name === 'ReplyError') {
    if (PASSING.test(error.message)) return 'passing';
    if (error.message.startsWith('NOGROUP')) return 'no-group';
    return error.message.startsWith('OOM') ? 'memory' : 'unexpected';
  }
  // Node's own errors of sockets and name resolution.
  const { syscall } = error as NodeJS.ErrnoException;
  const isConnection =
    syscall !== undefined || CONNECTION_NAMES.has(error.name) || CONNECTION_MESSAGES.test(error.message);
  return isConnection ? 'connection' : 'unexpected';
}
