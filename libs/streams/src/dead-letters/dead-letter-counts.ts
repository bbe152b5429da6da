import type { DeadLetterId } from './dead-letter-id.ts';
import type { LabelCount } from './label-counts.ts';

/** Dead letters with one cause. */
export interface DeadLetterGroup {
  /** See `deadLetterFingerprint`. */
  readonly fingerprint: string;
  readonly code: string;
  /** Of the latest one. */
  readonly message: string;
  readonly count: number;
  /** When the first and the last of them came here, RFC 3339. */
  readonly firstFailedAt: string;
  readonly lastFailedAt: string;
}

export interface DeadLetterCounts {
  /** Dead letters that there are, whatever the filter says. */
  readonly total: number;
  /** Those that were taken into account, whether they match or not. */
  readonly scanned: number;
  /** Whether all were. */
  readonly complete: boolean;
  /** Those that match the filter. */
  readonly matched: number;
  /** By cause, most first. */
  readonly groups: readonly DeadLetterGroup[];
  /** By tenant and type, most first; `null` where it could not be read. */
  readonly tenants: readonly TenantCount[];
}

interface TenantCount {
  readonly tenantId: string | null;
  readonly type: string | null;
  readonly count: number;
}

export type CauseCount = Omit<DeadLetterGroup, 'message'> & { readonly latest: DeadLetterId };

/** Most causes, and most pairs of tenant and type, that are named; what comes beyond is only in `matched`. */
const MAX_GROUPS = 1_000;

interface Cause {
  readonly code: string;
  count: number;
  firstMs: number;
  lastMs: number;
  latest: DeadLetterId;
}

/** Sums up counts of labels over partitions, by cause and by tenant and type. */
export class DeadLetterTally {
  readonly #causes = new Map<string, Cause>();
  readonly #tenants = new Map<string, { tenantId: string | null; type: string | null; count: number }>();
  matched = 0;

  add({ label: { tenantId, type, code, fingerprint }, count, firstMs, lastMs, latest }: LabelCount): void {
    this.matched += count;
    const cause = this.#causes.get(fingerprint);
    if (!cause) this.#causes.set(fingerprint, { code, count, firstMs, lastMs, latest });
    else {
      cause.count += count;
      cause.firstMs = Math.min(cause.firstMs, firstMs);
      if (lastMs > cause.lastMs) Object.assign(cause, { lastMs, latest });
    }
    const name = JSON.stringify([tenantId, type]);
    const pair = this.#tenants.get(name);
    if (pair) pair.count += count;
    else this.#tenants.set(name, { tenantId, type, count });
  }

  /** Most first. */
  get causes(): CauseCount[] {
    return [...this.#causes]
      .sort(([, a], [, b]) => b.count - a.count)
      .slice(0, MAX_GROUPS)
      .map(([fingerprint, { code, count, firstMs, lastMs, latest }]) => ({
        fingerprint,
        code,
        count,
        firstFailedAt: new Date(firstMs).toISOString(),
        lastFailedAt: new Date(lastMs).toISOString(),
        latest,
      }));
  }

  /** Most first. */
  get tenants(): TenantCount[] {
    return [...this.#tenants.values()].sort((a, b) => b.count - a.count).slice(0, MAX_GROUPS);
  }
}
