import {
  compareEntryIds,
  ENTRY_ID_ZERO,
  type EntryId,
  formatCursor,
  laterEntryId,
  parseCursor,
  type Ready,
  type Refusal,
  type ReplayReport,
  refusal,
} from '@rejoin/protocol';
import type { Socket } from 'socket.io';
import type { DeliveryCounters } from './gateway-listener.ts';
import type { EncodedPacket } from './packet.ts';
import type { ConnectionPrincipal } from './principal.ts';
import { SessionExpiry } from './session-expiry.ts';
import { ClientTransport } from './transport.ts';

/**
 * The states of a connection:
 *
 *     replaying ──replay ends──▶ live
 *         │                        │
 *         └────────┬───────────────┘
 *                  ▼
 *               closing ──▶ closed
 *
 * - replaying: what was missed is being written; live entries are queued, bounded.
 * - live: every entry is written as the tail brings it.
 * - closing: the client was told to come back; nothing more is written.
 * - closed: the socket is gone.
 */
export type ConnectionState = 'replaying' | 'live' | 'closing' | 'closed';

/** A live entry with its packet, which all connections share. */
export interface Delivery {
  readonly entryId: EntryId;
  readonly type: string;
  readonly rooms: readonly string[];
  readonly bytes: number;
  packet(): EncodedPacket;
}

export interface ConnectionBounds {
  /** Bytes that may wait for a client that does not read. */
  readonly maxBufferedBytes: number;
  /** Entries, and their bytes, that may wait for the end of a replay. */
  readonly maxQueuedEntries: number;
  readonly maxQueuedBytes: number;
}

/** What all connections of a gateway share. */
export interface ConnectionSurroundings {
  readonly bounds: ConnectionBounds;
  readonly counters: DeliveryCounters;
  /** The client reads too slowly. */
  onSlow(connection: Connection): void;
}

export interface ConnectionOptions {
  readonly socket: Socket;
  readonly principal: ConnectionPrincipal;
  readonly partition: number;
  /** The partition's. */
  readonly epoch: string;
  /** Which event types the client wants. */
  readonly wants: (type: string) => boolean;
  /** The position that the client brought, where everything after it can be replayed. */
  readonly resumedFrom?: EntryId | null;
}

/** How long a client that was told to go may take before its transport is ended, in milliseconds. */
const CLOSE_GRACE_MS = 2_000;

/** One client's connection: its rooms, its cursor, and what may be written to it now. */
export class Connection {
  readonly socket: Socket;
  readonly partition: number;
  /** The rooms it may see, with the position after which: for a watched room the position of the watch. */
  readonly rooms = new Map<string, EntryId>();
  /** The resources it watches, with the position of the watch. */
  readonly watched = new Map<string, EntryId>();
  /** Milliseconds since the Unix epoch. */
  readonly connectedAtMs = Date.now();
  /** Everything up to here was behind the client when it connected. */
  readonly startedFrom: EntryId;
  /** The position that the client itself brought, so has handled; `null` where it brought none, or it has a gap. */
  readonly resumedFrom: EntryId | null;
  /** Whether the client's own filter lets a type through. */
  readonly wants: (type: string) => boolean;
  readonly #epoch: string;
  readonly #surroundings: ConnectionSurroundings;
  readonly #expiry: SessionExpiry;
  readonly #transport: ClientTransport;
  #principal: ConnectionPrincipal;
  #state: ConnectionState = 'replaying';
  #cursor: EntryId;
  /** The last position the client was sent. */
  #told: EntryId;
  #acknowledged: EntryId = ENTRY_ID_ZERO;
  #queue: Delivery[] = [];
  #queuedBytes = 0;
  #queueOverflowed = false;
  #written = 0;
  #closing: Refusal | undefined;
  #closeTimer: NodeJS.Timeout | undefined;
  #liveWaiters: (() => void)[] = [];

  /** @param cursor everything up to this entry is behind the client */
  constructor(options: ConnectionOptions, cursor: EntryId, surroundings: ConnectionSurroundings) {
    this.socket = options.socket;
    this.#principal = options.principal;
    this.partition = options.partition;
    this.wants = options.wants;
    this.#epoch = options.epoch;
    this.#surroundings = surroundings;
    this.#transport = new ClientTransport(options.socket, CLOSE_GRACE_MS);
    this.#cursor = cursor;
    this.startedFrom = cursor;
    this.resumedFrom = options.resumedFrom ?? null;
    this.#told = cursor;
    this.#expiry = new SessionExpiry(options.principal.expiresAtMs);
  }

  /** Whose it is, as its latest token says. */
  get principal(): ConnectionPrincipal {
    return this.#principal;
  }

  /** Takes the place of the token before; it is of the same user and tenant. Rooms are the caller's to change. */
  renew(principal: ConnectionPrincipal): void {
    this.#principal = principal;
    this.#expiry.set(principal.expiresAtMs);
  }

  /** Warns a client whose token ends soon, and ends the connection of one whose token has ended. */
  checkExpiry(nowMs: number): void {
    const due = this.#expiry.due(nowMs);
    if (due === 'expiring') this.socket.emit('session:expiring', { expiresInMs: this.#expiry.leftMs(nowMs) });
    else if (due === 'expired') this.close(refusal('AUTH_EXPIRED'));
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get cursor(): EntryId {
    return this.#cursor;
  }

  get bufferedBytes(): number {
    return this.#transport.bufferedBytes;
  }

  /** `websocket` or `polling`. */
  get transport(): string {
    return this.#transport.name;
  }

  /** What the client was told, where a gateway ended the connection. */
  get closing(): Refusal | undefined {
    return this.#closing;
  }

  /** Whether one of these rooms is its own now. */
  sees(rooms: readonly string[]): boolean {
    return rooms.some((room) => this.rooms.has(room));
  }

  /** Takes a live entry: writes it, or queues it while the replay lasts. Never the same entry twice. */
  deliver(delivery: Delivery): void {
    if (this.#state === 'live') {
      this.#write(delivery);
      this.#watchBuffer();
    } else if (this.#state === 'replaying') {
      this.#enqueue(delivery);
    } else {
      this.#surroundings.counters.missed += 1;
    }
  }

  /** Writes an entry that was missed. */
  replay(entryId: EntryId, type: string, packet: () => EncodedPacket): void {
    if (this.#state !== 'replaying' || compareEntryIds(entryId, this.#cursor) <= 0) return;
    this.#cursor = entryId;
    if (!this.#wants(type)) return;
    this.#send(entryId, packet());
    this.#surroundings.counters.replayed += 1;
    this.#written++;
  }

  /** Everything up to `entryId` is written or not for this client. */
  advance(entryId: EntryId): void {
    this.#cursor = laterEntryId(this.#cursor, entryId);
  }

  /** Resolves when what was written has left, so that a replay is as fast as its reader. */
  drained(): Promise<void> {
    return this.#transport.drained();
  }

  /**
   * Ends the replay: writes the queue, goes live and says so, in one turn of the event loop, so that nothing can come
   * between. Returns false, and keeps replaying from the cursor, where the queue had overflowed.
   * @param report what the replay was, without the number of events
   */
  goLive(report: (count: number) => ReplayReport): boolean {
    if (this.#state !== 'replaying') return true;
    if (this.#queueOverflowed) {
      this.#clearQueue();
      this.#queueOverflowed = false;
      return false;
    }
    const queue = this.#queue;
    this.#clearQueue();
    for (const delivery of queue) if (this.sees(delivery.rooms)) this.#write(delivery);
    this.#setState('live');
    const ready: Ready = { replay: report(this.#written), watching: [...this.watched.keys()] };
    this.#told = this.#cursor;
    const cursor = formatCursor({ epoch: this.#epoch, partition: this.partition, entryId: this.#cursor });
    this.socket.emit('rejoin:ready', ready, cursor);
    for (const resolve of this.#liveWaiters.splice(0)) resolve();
    return true;
  }

  /** Resolves when the connection is live, or can no longer become it. */
  async settled(): Promise<ConnectionState> {
    if (this.#state === 'replaying') await new Promise<void>((resolve) => this.#liveWaiters.push(resolve));
    return this.#state;
  }

  /**
   * Tells a quiet client the tail's position, so that its cursor stays inside the replay window.
   * @param packet carries `position`; shared by all connections of the partition
   */
  tellCursor(position: EntryId, packet: () => EncodedPacket): void {
    if (this.#state !== 'live' || compareEntryIds(position, this.#told) <= 0) return;
    this.advance(position);
    this.#send(position, packet());
  }

  /**
   * Tells the client why it has to go, and ends the connection as soon as it has been told; at the latest after two
   * seconds, whatever still waits for it.
   * @param patient `false` for a client that does not read: its connection is left alone until then
   */
  close(closing: Refusal, { patient = true }: { patient?: boolean } = {}): void {
    if (this.#state === 'closing' || this.#state === 'closed') return;
    this.#setState('closing');
    this.#closing = closing;
    this.#clearQueue();
    this.socket.emit('rejoin:closing', closing);
    this.#closeTimer = setTimeout(() => this.#transport.terminate(), CLOSE_GRACE_MS);
    if (patient && closing.retryable) this.#transport.close();
    else if (patient) this.socket.disconnect(true);
  }

  /** The client has handled everything up to this cursor; one that is not of its partition is passed over. */
  acknowledge(text: string): void {
    const cursor = parseCursor(text);
    if (cursor?.partition === this.partition) this.#acknowledged = laterEntryId(this.#acknowledged, cursor.entryId);
  }

  /** The last entry that the client said it has handled; `0-0` where it said nothing. */
  get acknowledged(): EntryId {
    return this.#acknowledged;
  }

  /** The socket is gone. */
  onClosed(): void {
    clearTimeout(this.#closeTimer);
    this.#clearQueue();
    this.#setState('closed');
    for (const resolve of this.#liveWaiters.splice(0)) resolve();
  }

  #setState(state: ConnectionState): void {
    this.#state = state;
  }

  #write(delivery: Delivery): void {
    if (compareEntryIds(delivery.entryId, this.#cursor) <= 0) return;
    this.#cursor = delivery.entryId;
    if (!this.#wants(delivery.type)) return;
    this.#send(delivery.entryId, delivery.packet());
    this.#surroundings.counters.live += 1;
    if (this.#state === 'replaying') this.#written++;
  }

  #wants(type: string): boolean {
    const wanted = this.wants(type);
    if (!wanted) this.#surroundings.counters.filtered += 1;
    return wanted;
  }

  #send(entryId: EntryId, packet: EncodedPacket): void {
    this.#told = entryId;
    this.#transport.write(packet);
  }

  /** Something was written to its socket past it, such as an acknowledgement: that counts as waiting too. */
  answered(): void {
    if (this.#state !== 'live') return;
    this.#transport.recount();
    this.#watchBuffer();
  }

  #watchBuffer(): void {
    if (this.#transport.bufferedBytes > this.#surroundings.bounds.maxBufferedBytes) this.#surroundings.onSlow(this);
  }

  #enqueue(delivery: Delivery): void {
    if (this.#queueOverflowed) return;
    const { maxQueuedEntries, maxQueuedBytes } = this.#surroundings.bounds;
    if (this.#queue.length >= maxQueuedEntries || this.#queuedBytes + delivery.bytes > maxQueuedBytes) {
      this.#clearQueue();
      this.#queueOverflowed = true;
      return;
    }
    // Made now, for until then the entry keeps the whole reply of Redis that it stood in.
    if (this.wants(delivery.type)) delivery.packet();
    this.#queue.push(delivery);
    this.#queuedBytes += delivery.bytes;
  }

  #clearQueue(): void {
    this.#queue = [];
    this.#queuedBytes = 0;
  }
}
