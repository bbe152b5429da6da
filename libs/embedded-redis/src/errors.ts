export type EmbeddedRedisErrorCode =
  /** Neither `redis-server` nor `valkey-server` of a sufficient version is on `PATH`. */
  | 'REDIS_NOT_FOUND'
  /** The server ended, or did not answer in time, while it was starting. */
  | 'REDIS_START_FAILED'
  /** The operation needs a running server, and it is not running. */
  | 'REDIS_NOT_RUNNING';

export class EmbeddedRedisError extends Error {
  override readonly name = 'EmbeddedRedisError';
  readonly code: EmbeddedRedisErrorCode;

  constructor(code: EmbeddedRedisErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** A living process holds the directory. */
export class DirectoryInUseError extends Error {
  readonly code = 'DIRECTORY_IN_USE';
  override readonly name = 'DirectoryInUseError';
  readonly directory: string;
  /** The process that holds it. */
  readonly pid: number;

  constructor(directory: string, pid: number) {
    super(`${directory} is in use by process ${pid}`);
    this.directory = directory;
    this.pid = pid;
  }
}
