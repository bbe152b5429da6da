import type { ExpandedGroup } from './groups/group-expansion.ts';
import type { AudienceFailure } from './resolution.ts';

/** What named a part of an event's audience. */
export type AudienceSource =
  /** The event's own attribute `audience`. */
  | { readonly kind: 'event' }
  /** A template of a rule: its position among the rules, from 0, and its type. */
  | { readonly kind: 'rule'; readonly rule: number; readonly type: string; readonly template: string }
  /** A resolver registered in code, by its name. */
  | { readonly kind: 'resolver'; readonly resolver: string };

/** A room that an event goes to, and why. A room that several parts of the audience name is listed for each. */
export interface Recipient {
  readonly room: string;
  /** The room as an audience token: `user:u-1`. */
  readonly audience: string;
  readonly source: AudienceSource;
  /** The group that was looked up for it. */
  readonly group?: string;
}

/** Who shall see an event as of now, and what named each of them; or why that cannot be said. */
export type AudienceExplanation =
  | {
      readonly ok: true;
      readonly recipients: readonly Recipient[];
      /** The groups that the audience names, also those without members. */
      readonly groups: readonly Omit<ExpandedGroup, 'rooms'>[];
    }
  | AudienceFailure;
