import type { EntryId } from '@rejoin/protocol';
import type { PartitionKeys, RedisClient } from '@rejoin/redis';
import { deadLetterFingerprint } from './fingerprint.ts';

/** What dead letters are filtered and counted by; `null` where it could not be read. */
export interface DeadLetterLabel {
  readonly tenantId: string | null;
  readonly type: string | null;
  readonly code: string;
  /** See `deadLetterFingerprint`. */
  readonly fingerprint: string;
}

/** No percent-encoded text is this. */
const NOTHING = '%';

/**
 * `<tenant> <type> <code> <fingerprint>`, percent-encoded: what a dead letter is counted by, in the order in which a filter
 * narrows most. It has no space but these, so that no label begins with another one.
 */
export function formatDeadLetterLabel({ tenantId, type, code, fingerprint }: DeadLetterLabel): string {
  return [tenantId, type, code, fingerprint].map(encodePart).join(' ');
}

/** What {@link formatDeadLetterLabel} made, or `null` where `text` is none. */
export function parseDeadLetterLabel(text: string): DeadLetterLabel | null {
  const parts = text.split(' ');
  if (parts.length !== 4) return null;
  const [tenantId, type, code, fingerprint] = parts.map((part) => (part === NOTHING ? null : decodeURIComponent(part)));
  return { tenantId: tenantId ?? null, type: type ?? null, code: code ?? '', fingerprint: fingerprint ?? '' };
}

/** The beginning of all labels of a tenant, or of one of its types, and no others'. */
export function labelPrefix(tenantId: string, type?: string): string {
  return `${[tenantId, ...(type === undefined ? [] : [type])].map(encodePart).join(' ')} `;
}

/** The label of a record; empty where the record is none of this project's. */
export function labelOfRecord(record: string): string {
  const { tenantId = null, type = null, code, message, fingerprint } = JSON.parse(record) as Record<string, string>;
  if (typeof code !== 'string') return '';
  const cause = fingerprint ?? deadLetterFingerprint(code, message ?? '');
  return formatDeadLetterLabel({ tenantId, type, code, fingerprint: cause });
}

/** The latest time that the index can tell, in milliseconds. */
export const MAX_MS = Number.MAX_SAFE_INTEGER;

/** A time as it stands in the index. */
export function indexTime(ms: number): string {
  return String(Math.min(MAX_MS, Math.max(0, Math.ceil(ms)))).padStart(16, '0');
}

/** The time and the entry ID in a member of the index. */
export function placeInIndex(member: string, label: string): [failedAtMs: number, entryId: EntryId] {
  const [ms, entryId] = member.slice(label.length + 1).split(' ');
  return [Number(ms), entryId as EntryId];
}

/** The members of a partition's two sorted sets of dead letters; see `dead-letters.lua`, whose other half this is. */
function deadLetterPlaces(entryId: EntryId, label: string, failedAtMs: number) {
  return {
    order: label === '' ? entryId : `${entryId} ${label}`,
    index: label === '' ? null : `${label} ${indexTime(failedAtMs)} ${entryId}`,
  };
}

/** Writes a dead letter as fan-out leaves it, into a pipeline: for what fills an installation without a worker. */
export function writeDeadLetter(
  pipeline: ReturnType<RedisClient['pipeline']>,
  { dead, deadOrder, deadIndex }: PartitionKeys,
  { entryId, record, failedAtMs }: { readonly entryId: EntryId; readonly record: string; readonly failedAtMs: number },
): void {
  const { order, index } = deadLetterPlaces(entryId, labelOfRecord(record), failedAtMs);
  pipeline.hset(dead, entryId, record);
  pipeline.zadd(deadOrder, failedAtMs, order);
  if (index !== null) pipeline.zadd(deadIndex, 0, index);
}

function encodePart(part: string | null): string {
  return part === null ? NOTHING : encodeURIComponent(part);
}
