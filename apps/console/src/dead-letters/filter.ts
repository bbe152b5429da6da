/** What a list of dead letters, its groups, and an action on all of them have in common. */
export const DEAD_LETTER_FILTER = { tenant: '', type: '', code: '', fingerprint: '', since: '' };

export type DeadLetterFilter = Record<keyof typeof DEAD_LETTER_FILTER, string>;

/** As the API takes it: without what is not asked for. */
export function filterOf({ tenant, type, code, fingerprint, since }: DeadLetterFilter): Record<string, string> {
  return Object.fromEntries(
    Object.entries({ tenant, type, code, fingerprint, since }).filter(([, value]) => value !== ''),
  );
}
