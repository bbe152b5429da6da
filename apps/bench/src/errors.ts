/**
 * - `USAGE`: the command line asks for nothing that exists.
 * - `PEER_FAILED`: a process of a scenario ended, threw or was silent.
 * - `NOT_DELIVERED`: events that a scenario takes for granted did not arrive, so that its figures would mean nothing.
 */
export type BenchErrorCode = 'USAGE' | 'PEER_FAILED' | 'NOT_DELIVERED';

export class BenchError extends Error {
  override readonly name = 'BenchError';
  readonly code: BenchErrorCode;

  constructor(code: BenchErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
