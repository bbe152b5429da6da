import { OperationError } from './errors.ts';

/**
 * Payloads are masked unless asked for, and the asking is audited with why.
 * @returns why, or `null` where they stay masked
 * @throws OperationError where they are asked for without a reason
 */
export function payloadReason(payload: boolean | undefined, reason: string | undefined): string | null {
  if (payload !== true) return null;
  const why = reason?.trim() ?? '';
  if (why !== '') return why;
  throw new OperationError('INVALID_REQUEST', 'payloads are shown for a `reason`, which goes into the audit');
}
