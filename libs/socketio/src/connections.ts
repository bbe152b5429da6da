import type { FeedEntry } from '@rejoin/feed';
import { type EntryId, entryIdTimeMs, formatCursor } from '@rejoin/protocol';
import type { Namespace } from 'socket.io';
import type { Connection, Delivery } from './connection.ts';
import type { GatewayListener } from './gateway-listener.ts';
import { EncodedPacket } from './packet.ts';

/** Every connection of this gateway, and the way of a live entry to those that may see it. */
export class Connections {
  readonly #bySocket = new Map<string, Connection>();
  readonly #listener: GatewayListener;

  constructor(listener: GatewayListener = {}) {
    this.#listener = listener;
  }

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
    let first: EntryId | undefined;
    for (const entry of entries) {
      const recipients = this.#recipients(namespace, entry);
      if (recipients.length === 0) continue;
      const delivery = new LiveEntry(entry, epoch, partition);
      const startedAtMs = entry.traceparent === undefined ? 0 : Date.now();
      for (const connection of recipients) connection.deliver(delivery);
      if (entry.traceparent !== undefined) this.#tellTraced(entry, partition, recipients.length, startedAtMs);
      first ??= entry.entryId;
    }
    // A clock for every entry would cost more than it tells; none of them took longer than this.
    if (first !== undefined) this.#listener.onDelivered?.(Date.now() - entryIdTimeMs(first));
  }

  #tellTraced({ traceparent, entryId }: FeedEntry, partition: number, connections: number, startedAtMs: number): void {
    if (traceparent !== undefined) {
      this.#listener.onTraced?.({ traceparent, entryId, partition, connections, startedAtMs });
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

/** A live entry; its packet is made when the first connection wants it. */
class LiveEntry implements Delivery {
  readonly entryId: EntryId;
  readonly type: string;
  readonly rooms: readonly string[];
  readonly bytes: number;
  readonly #epoch: string;
  readonly #partition: number;
  #event: Buffer | undefined;
  #packet: EncodedPacket | undefined;

  constructor({ entryId, type, rooms, event }: FeedEntry, epoch: string, partition: number) {
    this.entryId = entryId;
    this.type = type;
    this.rooms = rooms;
    this.bytes = event.length;
    this.#event = event;
    this.#epoch = epoch;
    this.#partition = partition;
  }

  packet(): EncodedPacket {
    if (!this.#packet) {
      const cursor = formatCursor({ epoch: this.#epoch, partition: this.#partition, entryId: this.entryId });
      this.#packet = new EncodedPacket(this.type, this.#event as Buffer, cursor);
      this.#event = undefined;
    }
    return this.#packet;
  }
}
