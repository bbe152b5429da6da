/** Why an event's audience cannot be resolved. */
export type AudienceFailureCode = PermanentAudienceFailureCode | TransientAudienceFailureCode;

/** It never will be: the event is dead-lettered with this code. */
export type PermanentAudienceFailureCode =
  /** It names no audience, and no resolver and no rule is for its type. */
  | 'NO_AUDIENCE_RULE'
  /** A rule's template needs a field that the event lacks, or that is of another type. */
  | 'AUDIENCE_TEMPLATE'
  /** What it names is no audience token. */
  | 'AUDIENCE_INVALID'
  /** It names more tokens than one event may. */
  | 'AUDIENCE_TOO_LARGE'
  /** The resolver for its type says that nobody may see it, and that asking again is of no use. */
  | 'RESOLVER_REFUSED';

/** It may be at another attempt. */
export type TransientAudienceFailureCode =
  /** The resolver for its type failed. */
  | 'RESOLVER_FAILED'
  /** The resolver for its type did not answer before its deadline. */
  | 'RESOLVER_TIMEOUT'
  /** The caller gave the resolution up. */
  | 'RESOLUTION_CANCELLED'
  /** The membership directory could not be asked for a group; `cause` is what it said. */
  | 'DIRECTORY_UNAVAILABLE';

interface FailureText {
  readonly ok: false;
  /** In words, for an operator. */
  readonly message: string;
  readonly cause?: unknown;
  /** The resolver that failed, by its name; whoever keeps a breaker for each knows it by this. */
  readonly resolver?: string;
}

/** `transient` says whether another attempt may succeed. */
export type AudienceFailure =
  | (FailureText & { readonly transient: false; readonly code: PermanentAudienceFailureCode })
  | (FailureText & { readonly transient: true; readonly code: TransientAudienceFailureCode });

/**
 * Who shall see an event: distinct rooms, as `roomOf` names them. None at all where it names only groups without members: the
 * event is then delivered to nobody. Or why that cannot be said.
 */
export type AudienceResolution = { readonly ok: true; readonly rooms: readonly string[] } | AudienceFailure;

export function failure(code: PermanentAudienceFailureCode, message: string): AudienceFailure {
  return { ok: false, transient: false, code, message };
}

export function transientFailure(
  code: TransientAudienceFailureCode,
  message: string,
  details: { readonly cause?: unknown; readonly resolver?: string } = {},
): AudienceFailure {
  return { ok: false, transient: true, code, message, ...details };
}
