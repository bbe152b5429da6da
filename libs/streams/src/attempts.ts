/** How often an event was tried, as it travels with the event through parking and appending again. */
export interface Attempts {
  /** Of the next run, counted from 1. */
  readonly attempt: number;
  /** The attempt with which this round began; a redrive begins a new round, with retries of its own. */
  readonly round: number;
  /** Times that the event was put aside in this round without being tried; 0 by default. */
  readonly postponed?: number;
  readonly firstFailedAtMs: number;
  /** Why the attempt before failed, for an operator. */
  readonly lastFailure?: string;
}

/** Most characters of a failure that travel with an event. */
const MAX_FAILURE_LENGTH = 500;
/** The latest time that a date can be, in milliseconds (ECMA-262, section 21.4.1.1). */
const LATEST_TIME_MS = 8.64e15;

/** A failure as it travels with the event. */
export function failureText(code: string, message: string): string {
  return `${code}: ${message}`.slice(0, MAX_FAILURE_LENGTH);
}

/**
 * Reads the fields of an entry that was appended again, one after the other with their values; the first of several of one
 * name counts. Anybody may append: what is no attempt is a field like any other.
 */
export function readAttempts(fields: readonly string[]): Attempts | undefined {
  const named = (name: string): string | undefined => {
    for (let i = 0; i + 1 < fields.length; i += 2) if (fields[i] === name) return fields[i + 1];
    return undefined;
  };
  const [attempt = 0, round = 0, firstFailedAtMs = 0] = ['attempt', 'round', 'failing-since'].map((name) =>
    Number(named(name)),
  );
  const isSound = [attempt, round, firstFailedAtMs].every((value) => Number.isSafeInteger(value) && value > 0);
  if (!isSound || firstFailedAtMs > LATEST_TIME_MS || round > attempt) return undefined;
  const lastFailure = named('last-failure')?.slice(0, MAX_FAILURE_LENGTH);
  const postponed = Number(named('postponed') ?? 0);
  return {
    attempt,
    round,
    firstFailedAtMs,
    ...(Number.isSafeInteger(postponed) && postponed > 0 ? { postponed } : {}),
    ...(lastFailure === undefined ? {} : { lastFailure }),
  };
}
