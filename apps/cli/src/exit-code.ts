/** What the process ends with. Scripts rely on these. */
export const EXIT = { ok: 0, failed: 1, usage: 2, notFound: 4, partial: 5, refused: 6 } as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** A command that cannot be carried out, with the exit code it ends with. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}
