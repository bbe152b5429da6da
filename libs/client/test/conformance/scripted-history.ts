import {
  type Cursor,
  compareEntryIds,
  formatCursor,
  type GapReason,
  parseCursor,
  type Refusal,
} from '@rejoin/protocol';
import { TcpProxy } from '@rejoin/testing';
import type { Socket } from 'socket.io';
import { refusedCommand, ScriptedGateway } from '../scripted-gateway.ts';
import type { ScriptedUnderTest } from './gateway-under-test.ts';

interface Kept {
  readonly number: number;
  readonly cursor: Cursor;
  readonly epoch: string;
  payloadLost: boolean;
}

interface Served {
  readonly socket: Socket;
  live: boolean;
}

/** Hours that a gateway keeps events for. */
const WINDOW_HOURS = 24;

/**
 * The rules of a gateway with one room, in memory and to the point: what is replayed, and what is a gap. It is the model that the
 * client is checked against, so it is kept simple enough to be seen to be right.
 */
export class ScriptedHistory implements ScriptedUnderTest {
  #epoch = 'epoch1';
  #events: Kept[] = [];
  #floor = 0;
  readonly #roomLimit: number;
  readonly #gateways: { readonly gateway: ScriptedGateway; readonly proxy: TcpProxy }[] = [];
  readonly #served: Served[] = [];
  #stopAfter: number | undefined;

  private constructor(roomLimit: number) {
    this.#roomLimit = roomLimit;
  }

  static async start({ roomLimit = 10_000 }: { readonly roomLimit?: number } = {}): Promise<ScriptedHistory> {
    const history = new ScriptedHistory(roomLimit);
    await history.#open();
    return history;
  }

  get url(): string {
    return this.#current.proxy.url;
  }

  /** How many events there are. */
  get length(): number {
    return this.#events.length;
  }

  async publish(count: number, hoursAgo = 0): Promise<void> {
    for (let i = 0; i < count; i += 1) {
      const number = this.#events.length + 1;
      const entryId = `${1_000_000 - hoursAgo}-${number}`;
      this.#events.push({
        number,
        epoch: this.#epoch,
        cursor: { epoch: this.#epoch, partition: 0, entryId },
        payloadLost: false,
      });
      for (const { socket, live } of this.#served) if (live && socket.connected) this.#send(socket, number);
    }
  }

  cursorOf(event: number): string {
    const kept = this.#events[event - 1];
    return formatCursor(kept?.cursor ?? { epoch: this.#epoch, partition: 0, entryId: '0-0' });
  }

  away(): void {
    this.#current.proxy.refuse();
  }

  back(): void {
    this.#current.proxy.resume();
  }

  sever(): void {
    this.#current.proxy.cut();
  }

  async hop(): Promise<void> {
    const { gateway, proxy } = this.#current;
    await this.#open();
    await gateway.stop();
    await proxy.stop();
  }

  async trim(upTo: number): Promise<void> {
    this.#floor = upTo;
  }

  async losePayload(event: number): Promise<void> {
    (this.#events[event - 1] as Kept).payloadLost = true;
  }

  /** Data was lost: a new history begins, in which nothing from before is known. */
  breakHistory(): void {
    this.#epoch = `epoch${this.#events.length + 2}`;
    this.#floor = this.#events.length;
    for (const served of this.#served) served.live = false;
    this.sever();
  }

  refuse(refusals: readonly Refusal[]): void {
    this.#current.gateway.refusals.push(...refusals);
  }

  close(refusal: Refusal): void {
    this.#current.gateway.close(refusal);
  }

  resend(events: readonly number[]): void {
    for (const event of events) this.#send(this.#current.gateway.socket, event);
  }

  stopReplayAfter(events: number): void {
    this.#stopAfter = Number.isFinite(events) ? events : undefined;
  }

  warnOfExpiry(expiresInMs: number): void {
    this.#current.gateway.socket.emit('session:expiring', { expiresInMs });
  }

  presented(): (number | null | string)[] {
    return this.#gateways
      .flatMap(({ gateway }) => gateway.handshakes)
      .map(({ cursor }) => (cursor === undefined ? null : this.#numberOf(cursor)));
  }

  acknowledged(): number | null | string {
    const acks = this.#gateways
      .flatMap(({ gateway }) => gateway.commands)
      .filter(({ name }) => name === 'session:ack')
      .map(({ payload }) => (payload as { cursor: string }).cursor);
    const last = acks.at(-1);
    return last === undefined ? null : this.#numberOf(last);
  }

  refreshes(): number {
    return this.#gateways.flatMap(({ gateway }) => gateway.commands).filter(({ name }) => name === 'session:refresh')
      .length;
  }

  forbidWatch(order: string): void {
    this.#current.gateway.answers.set('orders:watch', (payload) => {
      if ((payload as { orderId: string }).orderId === order) throw refusedCommand('FORBIDDEN');
      return null;
    });
  }

  /** The orders that are watched by command; those that were refused are not. */
  watched(): string[] {
    const watched = new Set<string>();
    for (const { name, payload, ok } of this.#gateways.flatMap(({ gateway }) => gateway.commands)) {
      const { orderId } = payload as { orderId: string };
      if (name === 'orders:watch' && ok) watched.add(orderId);
      if (name === 'orders:unwatch') watched.delete(orderId);
    }
    return [...watched];
  }

  async stop(): Promise<void> {
    for (const { gateway, proxy } of this.#gateways) {
      await gateway.stop();
      await proxy.stop();
    }
  }

  get #current(): { readonly gateway: ScriptedGateway; readonly proxy: TcpProxy } {
    return this.#gateways.at(-1) as { readonly gateway: ScriptedGateway; readonly proxy: TcpProxy };
  }

  async #open(): Promise<void> {
    const gateway = await ScriptedGateway.start();
    gateway.onConnect = (socket) => this.#serve(socket);
    this.#gateways.push({ gateway, proxy: await TcpProxy.start(gateway.url) });
  }

  #serve(socket: Socket): void {
    const presented: unknown = socket.handshake.auth.cursor;
    const served: Served = { socket, live: false };
    this.#served.push(served);
    const position = this.cursorOf(this.#events.length);
    if (presented === undefined) {
      socket.emit('rejoin:ready', { replay: { status: 'none', count: 0 }, watching: [] }, position);
      served.live = true;
      return;
    }
    const { gap, missed } = this.#replay(presented);
    const stopAfter = this.#stopAfter;
    this.#stopAfter = undefined;
    for (const { number } of missed.slice(0, stopAfter)) this.#send(socket, number);
    if (stopAfter !== undefined) return;
    const count = missed.length;
    const from = parseCursor(presented) ? (presented as string) : null;
    const replay = gap
      ? { status: 'gap', count, reason: gap.reason, from, oldest: this.cursorOf(gap.oldest) }
      : { status: 'complete', count };
    socket.emit('rejoin:ready', { replay, watching: [] }, position);
    served.live = true;
  }

  /** What is written to a client that presents this, and what is missing of it. */
  #replay(presented: unknown): {
    readonly gap: { readonly reason: GapReason; readonly oldest: number } | null;
    readonly missed: readonly Kept[];
  } {
    const cursor = parseCursor(presented);
    const retained = this.#events.filter(({ number, epoch }) => number > this.#floor && epoch === this.#epoch);
    const whole = (reason: GapReason) => ({ gap: { reason, oldest: this.#floor }, missed: retained });
    if (cursor === null) return whole('unreadable');
    if (cursor.partition !== 0) return whole('partition');
    const isBehind = ({ cursor: { entryId } }: Kept): boolean => compareEntryIds(entryId, cursor.entryId) > 0;
    if (cursor.epoch !== this.#epoch) {
      const missed = retained.filter(isBehind);
      return { gap: { reason: 'epoch', oldest: (missed[0]?.number ?? this.#events.length + 1) - 1 }, missed };
    }
    const last = parseCursor(this.cursorOf(this.#events.length)) as Cursor;
    if (compareEntryIds(cursor.entryId, last.entryId) > 0) {
      return { gap: { reason: 'ahead', oldest: this.#events.length }, missed: [] };
    }
    const after = this.#events.filter(isBehind);
    const first = (after[0]?.number ?? this.#events.length + 1) - 1;
    const isKnown = cursor.entryId === '0-0' || this.#events[first - 1]?.cursor.entryId === cursor.entryId;
    const tooOld = after.some(({ cursor: { entryId } }) => Number(entryId.split('-')[0]) < 1_000_000 - WINDOW_HOURS);
    if (first < this.#floor || tooOld) {
      const missed = after.filter(
        ({ number, cursor: { entryId } }) =>
          number > this.#floor && Number(entryId.split('-')[0]) >= 1_000_000 - WINDOW_HOURS,
      );
      return { gap: { reason: 'window', oldest: (missed[0]?.number ?? this.#events.length + 1) - 1 }, missed };
    }
    if (!isKnown) return { gap: { reason: 'unknown_entry', oldest: first }, missed: after };
    if (after.length > this.#roomLimit) {
      const missed = after.slice(-this.#roomLimit);
      return { gap: { reason: 'room_limit', oldest: (missed[0] as Kept).number - 1 }, missed };
    }
    const lost = after.filter(({ payloadLost }) => payloadLost).at(-1);
    const missed = after.filter(({ payloadLost }) => !payloadLost);
    return { gap: lost ? { reason: 'payload_missing', oldest: lost.number } : null, missed };
  }

  #send(socket: Socket, event: number): void {
    const data = { number: event };
    const time = '2026-01-31T12:00:00Z';
    socket.emit('order.paid', { id: `e${event}`, type: 'order.paid', time, data }, this.cursorOf(event));
  }

  #numberOf(cursor: unknown): number | string {
    if (cursor === this.cursorOf(0)) return 0;
    const found = this.#events.find(({ number }) => this.cursorOf(number) === cursor);
    return found?.number ?? String(cursor);
  }
}
