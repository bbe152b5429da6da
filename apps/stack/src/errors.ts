export type StackErrorCode =
  /** Another `npm start` holds the data directory. */
  | 'ALREADY_RUNNING'
  | 'PORT_IN_USE'
  /** A program was not built. */
  | 'PROGRAM_MISSING'
  /** A program ended, or was silent, before it was ready for the first time. */
  | 'PROGRAM_FAILED'
  | 'REDIS_UNREACHABLE'
  /** It was stopped while it was starting. */
  | 'STOPPED';

/** The stack cannot start; the message says what to do, and is all that is shown. */
export class StackError extends Error {
  override readonly name = 'StackError';
  readonly code: StackErrorCode;

  constructor(code: StackErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
