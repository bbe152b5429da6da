import { type GroupChange, type GroupDirectory, GroupLimitError, InvalidGroupError } from '@rejoin/audience';
import { PartitionCountMismatchError } from '@rejoin/redis';
import { StreamUnavailableError } from '@rejoin/streams';
import { PublisherClosedError } from './errors.ts';

/**
 * Changes who is in which group, which is what an audience of `group:<name>` stands for. A change is in force for every event
 * that is published a second later. Calls are not queued while Redis is away; each may be repeated.
 *
 * Each of them throws InvalidGroupError (nothing was changed), GroupLimitError, StreamUnavailableError and PublisherClosedError.
 */
export interface Groups {
  /** Adds users; who is in the group already is passed over. */
  add(tenantId: string, group: string, userIds: readonly string[]): Promise<GroupChange>;
  /** Removes users; who is not in the group is passed over. Also works while Redis' memory is full. */
  remove(tenantId: string, group: string, userIds: readonly string[]): Promise<GroupChange>;
  /** Makes these users the group's only members; none at all dissolves it. */
  set(tenantId: string, group: string, userIds: readonly string[]): Promise<GroupChange>;
}

type Change = (directory: GroupDirectory) => Promise<GroupChange>;

/** The groups of a publisher's installation. */
export class PublisherGroups implements Groups {
  readonly #open: () => Promise<GroupDirectory>;
  readonly #isClosed: () => boolean;

  constructor(open: () => Promise<GroupDirectory>, isClosed: () => boolean) {
    this.#open = open;
    this.#isClosed = isClosed;
  }

  add(tenantId: string, group: string, userIds: readonly string[]): Promise<GroupChange> {
    return this.#change((directory) => directory.add(tenantId, group, userIds));
  }

  remove(tenantId: string, group: string, userIds: readonly string[]): Promise<GroupChange> {
    return this.#change((directory) => directory.remove(tenantId, group, userIds));
  }

  set(tenantId: string, group: string, userIds: readonly string[]): Promise<GroupChange> {
    return this.#change((directory) => directory.set(tenantId, group, userIds));
  }

  async #change(change: Change): Promise<GroupChange> {
    if (this.#isClosed()) throw new PublisherClosedError('the publisher is closed');
    const directory = await this.#open();
    try {
      return await change(directory);
    } catch (error) {
      if (SAID_BY_US.some((known) => error instanceof known)) throw error;
      throw StreamUnavailableError.from('the group cannot be changed', error);
    }
  }
}

const SAID_BY_US = [InvalidGroupError, GroupLimitError, PartitionCountMismatchError];
