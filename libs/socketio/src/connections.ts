import type { FeedEntry } from '@rejoin/feed';
import { type EntryId, formatCursor } from '@rejoin/protocol';
import type { Namespace } from 'socket.io';
import type { Connection, Delivery } from './connection.ts';
import { EncodedPacket } from './packet.ts';

/** Every connection of this gateway, and the way of a live entry to those that may see it. */
export class Connections {
  readonly #bySocket = new Map<string, Connection>();

  get size(): number {
    return this.#bySocket.size;
  }

  all(): IterableIterator<Connection> {
    return this.#bySocket.values();
  }

  add(connection: Connection): void {
    this.#bySocket.set(connection.socket.id, connection);
  }

  remove(connection: Connection): void {
    this.#bySocket.delete(connection.socket.id);
  }

  get(socketId: string): Connection | undefined {
    return this.#bySocket.get(socketId);
  }

  *ofPartition(partition: number): IterableIterator<Connection> {
    for (const connection of this.#bySocket.values()) if (connection.partition === partition) yield connection;
  }

  /**
   * Hands entries of a partition to every connection in one of their rooms. The packet of an entry is made once, and only
   * where somebody receives it.
   */
  deliver(namespace: Namespace, partition: number, epoch: string, entries: readonly FeedEntry[]): void {
    for (const entry of entries) {
      const recipients = this.#recipients(namespace, entry);
      if (recipients.length === 0) continue;
      const delivery = deliveryOf(entry, recipients.length > 1, () =>
        formatCursor({ epoch, partition, entryId: entry.entryId }),
      );
      for (const connection of recipients) connection.deliver(delivery);
    }
  }

  #recipients(namespace: Namespace, entry: FeedEntry): Connection[] {
    const recipients = new Set<Connection>();
    for (const room of entry.rooms) {
      for (const socketId of namespace.adapter.rooms.get(room) ?? []) {
        const connection = this.#bySocket.get(socketId);
        // The room's name carries the tenant already; an entry whose rooms and tenant disagree reaches nobody.
        if (connection?.principal.tenantId === entry.tenant && connection.rooms.has(room)) recipients.add(connection);
      }
    }
    return [...recipients];
  }
}

function deliveryOf(entry: FeedEntry, shared: boolean, cursor: () => string): Delivery {
  let packet: EncodedPacket | undefined;
  let bytes: number | undefined;
  return {
    entryId: entry.entryId as EntryId,
    type: entry.type,
    rooms: entry.rooms,
    shared,
    get bytes() {
      bytes ??= Buffer.byteLength(entry.event);
      return bytes;
    },
    packet: () => {
      packet ??= new EncodedPacket(entry.type, entry.event, cursor());
      return packet;
    },
  };
}
