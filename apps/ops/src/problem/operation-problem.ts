import { OperationError, type OperationErrorCode } from '@rejoin/operations';
import { PartitionCountMismatchError } from '@rejoin/redis';
import { classifyRedisFailure } from '@rejoin/streams';
import { Problem } from './problem.ts';

const STATUS: Readonly<Record<OperationErrorCode, number>> = {
  NOT_FOUND: 404,
  INVALID_REQUEST: 400,
  TENANT_FORBIDDEN: 403,
  CONFLICT: 409,
};

/** How an operation that was not carried out is answered. @returns `null` for what is unexpected */
export function operationProblem(error: unknown): Problem | null {
  if (error instanceof OperationError)
    return new Problem(STATUS[error.code], error.code, error.message, { cause: error });
  if (error instanceof PartitionCountMismatchError) {
    return new Problem(503, 'STREAM_UNAVAILABLE', error.message, { retryAfterMs: 10_000, cause: error });
  }
  const failure = classifyRedisFailure(error);
  if (failure === 'unexpected') return null;
  const detail = failure === 'memory' ? 'Redis is above its maxmemory' : 'Redis does not answer';
  return new Problem(503, 'STREAM_UNAVAILABLE', detail, { retryAfterMs: 1_000, cause: error });
}
