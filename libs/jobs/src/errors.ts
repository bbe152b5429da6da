/** A task cannot be begun as it was asked for. */
export class InvalidTaskError extends Error {
  readonly code = 'INVALID_TASK';
  override readonly name = 'InvalidTaskError';
}
