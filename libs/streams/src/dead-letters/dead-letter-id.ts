import { type EntryId, isEntryId } from '@rejoin/protocol';

/** Names one dead letter of an installation. */
export interface DeadLetterId {
  readonly partition: number;
  /** The entry that failed. */
  readonly entryId: EntryId;
}

/** `3.1764000000000-0`: partition and entry ID, for addresses and command lines. */
export function formatDeadLetterId({ partition, entryId }: DeadLetterId): string {
  return `${partition}.${entryId}`;
}

/** What {@link formatDeadLetterId} made, or `null` where `text` is none. */
export function parseDeadLetterId(text: string): DeadLetterId | null {
  const [, partition, entryId] = /^(0|[1-9]\d{0,4})\.(\d+-\d+)$/.exec(text) ?? [];
  return partition !== undefined && entryId !== undefined && isEntryId(entryId)
    ? { partition: Number(partition), entryId }
    : null;
}
