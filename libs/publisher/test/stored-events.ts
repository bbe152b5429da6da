import type { DomainEvent, EntryId } from '@rejoin/protocol';
import { connect, disconnect, type Keyspace, keyspace, type RedisClient } from '@rejoin/redis';
import { uniquePrefix } from '@rejoin/testing';

/** An event stream's entry, as a worker would read it. */
export interface StoredEvent {
  readonly entryId: EntryId;
  readonly event: DomainEvent;
}

/** Looks into an installation's event streams past the publisher under test. */
export class StoredEvents {
  readonly prefix = uniquePrefix();
  readonly keys: Keyspace = keyspace(this.prefix);
  readonly client: RedisClient;

  constructor(url: string) {
    this.client = connect({ url, use: 'background', name: 'stored-events', onError: () => undefined });
  }

  async of(partition: number): Promise<StoredEvent[]> {
    const entries = await this.client.xrange(this.keys.partition(partition).events, '-', '+');
    return entries.map(([entryId, fields]) => ({ entryId, event: JSON.parse(fields[1] as string) as DomainEvent }));
  }

  async ids(partition: number): Promise<string[]> {
    return (await this.of(partition)).map(({ event }) => event.id);
  }

  close(): void {
    disconnect(this.client);
  }
}
