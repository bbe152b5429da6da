import { compareEntryIds } from '@rejoin/protocol';

/**
 * Negative, zero or positive as `a` is before, at or after `b`; `NaN` where they are of different histories, or none. Whether they
 * are well formed is for the gateway to judge.
 */
export function compareCursors(a = '', b = ''): number {
  const [endA, endB] = [a.lastIndexOf('.'), b.lastIndexOf('.')];
  if (endA < 0 || a.slice(0, endA) !== b.slice(0, endB)) return Number.NaN;
  return compareEntryIds(a.slice(endA + 1), b.slice(endB + 1));
}
