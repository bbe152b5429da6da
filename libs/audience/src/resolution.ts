import type { AudienceToken } from '@rejoin/protocol';

/** Why an event's audience cannot be resolved; it never will be, so the event is dead-lettered with this code. */
export type AudienceFailureCode =
  /** It names no audience, and no rule matches its type. */
  | 'NO_AUDIENCE_RULE'
  /** A rule's template needs a field that the event lacks, or that is of another type. */
  | 'AUDIENCE_TEMPLATE'
  /** What it names is no audience token. */
  | 'AUDIENCE_INVALID'
  /** It names more tokens than one event may. */
  | 'AUDIENCE_TOO_LARGE'
  /** It names a group. */
  | 'GROUP_UNSUPPORTED';

export interface AudienceFailure {
  readonly ok: false;
  readonly code: AudienceFailureCode;
  readonly message: string;
}

/** Who shall see an event: at least one token, each once. Or why that cannot be said. */
export type AudienceResolution = { readonly ok: true; readonly tokens: readonly AudienceToken[] } | AudienceFailure;

export function failure(code: AudienceFailureCode, message: string): AudienceFailure {
  return { ok: false, code, message };
}
