import type { DeadLetter } from './kept-dead-letter.ts';

/** Dead letters with one cause. */
export interface DeadLetterGroup {
  /** See `deadLetterFingerprint`. */
  readonly fingerprint: string;
  readonly code: string;
  /** Of the latest one. */
  readonly message: string;
  readonly count: number;
  /** RFC 3339. */
  readonly firstFailedAt: string;
  readonly lastFailedAt: string;
}

export interface DeadLetterCounts {
  /** Dead letters that there are, whatever the filter says. */
  readonly total: number;
  readonly scanned: number;
  /** Whether every one was looked at. */
  readonly complete: boolean;
  /** Those that match the filter. */
  readonly matched: number;
  /** By cause, most first. */
  readonly groups: readonly DeadLetterGroup[];
  /** By tenant and type, most first; `null` where it could not be read. */
  readonly tenants: readonly {
    readonly tenantId: string | null;
    readonly type: string | null;
    readonly count: number;
  }[];
}

/** Most causes, and most pairs of tenant and type, that are kept apart; what comes beyond is only in `matched`. */
const MAX_GROUPS = 1_000;

interface Group {
  readonly sample: DeadLetter;
  count: number;
  first: string;
  last: string;
}

/** Counts dead letters by what they have in common, in bounded memory. */
export class DeadLetterTally {
  readonly #groups = new Map<string, Group>();
  readonly #tenants = new Map<string, { tenantId: string | null; type: string | null; count: number }>();
  #matched = 0;

  add(letter: DeadLetter): true {
    this.#matched += 1;
    const { fingerprint, firstFailedAt, lastFailedAt, tenantId = null, type = null } = letter;
    let group = this.#groups.get(fingerprint);
    if (!group && this.#groups.size < MAX_GROUPS) {
      group = { sample: letter, count: 0, first: firstFailedAt, last: lastFailedAt };
      this.#groups.set(fingerprint, group);
    }
    if (group) {
      group.count += 1;
      if (firstFailedAt < group.first) group.first = firstFailedAt;
      if (lastFailedAt > group.last) group.last = lastFailedAt;
    }
    const name = JSON.stringify([tenantId, type]);
    let pair = this.#tenants.get(name);
    if (!pair && this.#tenants.size < MAX_GROUPS) {
      pair = { tenantId, type, count: 0 };
      this.#tenants.set(name, pair);
    }
    if (pair) pair.count += 1;
    return true;
  }

  result(scan: Pick<DeadLetterCounts, 'total' | 'scanned' | 'complete'>): DeadLetterCounts {
    const groups = [...this.#groups.values()].map(({ sample: { fingerprint, code, message }, count, first, last }) => ({
      fingerprint,
      code,
      message,
      count,
      firstFailedAt: first,
      lastFailedAt: last,
    }));
    return {
      ...scan,
      matched: this.#matched,
      groups: groups.sort((a, b) => b.count - a.count),
      tenants: [...this.#tenants.values()].sort((a, b) => b.count - a.count),
    };
  }
}
