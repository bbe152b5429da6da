import { loadScript, type PartitionKeys, type RedisClient } from '@rejoin/redis';
import type { DeadLetterFilter } from './dead-letter-filter.ts';
import type { DeadLetterId } from './dead-letter-id.ts';
import {
  type DeadLetterLabel,
  indexTime,
  labelPrefix,
  MAX_MS,
  parseDeadLetterLabel,
  placeInIndex,
} from './dead-letter-label.ts';

/** Dead letters of one partition that are counted together. */
export interface LabelCount {
  readonly label: DeadLetterLabel;
  /** As it stands in the index. */
  readonly labelText: string;
  readonly count: number;
  /** When the first and the last of them failed, in milliseconds since the Unix epoch. */
  readonly firstMs: number;
  readonly lastMs: number;
  /** The last of them. */
  readonly latest: DeadLetterId;
}

const script = loadScript('label-counts', import.meta.url);
/** Labels that one script goes through: a millisecond or two of Redis. */
const STEP = 100;

/**
 * Counts a partition's dead letters by label. See `label-counts.lua`.
 * @param filter times, and a tenant with or without a type, are left to Redis; the rest to the caller
 * @param most labels to look at
 * @returns those that have some, how many dead letters the partition has, and whether all of these were counted: those that somebody
 *   else wrote have no label
 */
export async function countLabels(
  client: RedisClient,
  keys: PartitionKeys,
  filter: DeadLetterFilter,
  most: number,
): Promise<{ readonly counts: LabelCount[]; readonly total: number; readonly isComplete: boolean }> {
  const counts: LabelCount[] = [];
  let after = '';
  let total = 0;
  for (let left = most; left > 0; left -= STEP) {
    const args = [prefixOf(filter), after, indexTime(filter.sinceMs ?? 0), indexTime(filter.untilMs ?? MAX_MS)];
    const reply = await script.run(client, [keys.deadIndex, keys.deadOrder], [...args, Math.min(left, STEP)]);
    const [over, all, labelled, ...flat] = reply as [number, number, number, ...(string | number)[]];
    total = all;
    for (let i = 0; i < flat.length; i += 4) {
      const [text, count, first, last] = flat.slice(i, i + 4) as [string, number, string, string];
      after = text;
      const label = parseDeadLetterLabel(text);
      if (!label || count === 0) continue;
      const [lastMs, entryId] = placeInIndex(last, text);
      const latest = { partition: keys.partition, entryId };
      counts.push({ label, labelText: text, count, firstMs: placeInIndex(first, text)[0], lastMs, latest });
    }
    if (over === 1) return { counts, total, isComplete: labelled === all };
    if (flat.length === 0) break;
  }
  return { counts, total, isComplete: false };
}

function prefixOf({ tenant, type }: DeadLetterFilter): string {
  if (tenant === undefined) return '';
  return labelPrefix(tenant, type?.endsWith('*') ? undefined : type);
}
