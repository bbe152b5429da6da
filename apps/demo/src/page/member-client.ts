import { type ClientState, createClient, type Reception, type RejoinClient } from '@rejoin/client';
import type { ReplayReport } from '@rejoin/protocol';
import type { Member } from '../cast.ts';
import type { DemoEvents, NoticeEvent, NotificationEvent, OrderEvent } from './events.ts';
import { Ledger } from './ledger.ts';
import { type Emitted, fetchToken } from './service.ts';

/** How the last connection caught up. */
export interface CatchUp {
  readonly replay: ReplayReport;
  /** Since it was live before, in milliseconds; `null` for the first connection. */
  readonly awayMs: number | null;
  /** From being let in to having everything, in milliseconds. */
  readonly tookMs: number;
  /** The gateway it was on before, where it is on another now. */
  readonly left: string | null;
}

export interface MemberListener {
  /** Its state, gateway or numbers changed. */
  onChange(): void;
  onOrder?(event: OrderEvent, reception: Reception): void;
  onNotification?(event: NotificationEvent): void;
  /** An event was emitted that it does not have yet. */
  onAwaited?(event: Emitted): void;
  /** It has the event; `replayed` where it had missed it. */
  onReceived?(event: OrderEvent | NoticeEvent, replayed: boolean): void;
  onCaughtUp?(catchUp: CatchUp): void;
  /** An event came only after `waitedMs`, though it was connected: a worker was away. */
  onDelayed?(waitedMs: number): void;
}

/** What a connected client waits for longer than this is late. */
const LATE_MS = 1_000;

/** One member's client, of which the page can cut the connection; and a ledger of what reached it. */
export class MemberClient {
  readonly member: Member;
  /** As the page calls it: a user may have several. */
  readonly name: string;
  readonly ledger: Ledger;
  readonly client: RejoinClient<DemoEvents>;
  /** Whether the page cut it off. */
  cut = false;
  catchUp: CatchUp | null = null;
  readonly #gateways: readonly string[];
  readonly #listener: MemberListener;
  #gatewayIndex: number;
  /** Of its last live connection. */
  #liveGateway: string | null = null;
  #awaySince: number | null = null;
  #awayMs: number | null = null;
  #replayingSince = 0;
  /** When the page heard of the events that it does not have yet. */
  readonly #awaitedSince = new Map<string, number>();

  /** @param gatewayIndex of the one to begin with */
  constructor(
    member: Member,
    name: string,
    gateways: readonly string[],
    gatewayIndex: number,
    listener: MemberListener,
  ) {
    this.member = member;
    this.name = name;
    this.ledger = new Ledger(member.tenant);
    this.#gateways = gateways;
    this.#gatewayIndex = gatewayIndex;
    this.#listener = listener;
    this.client = this.#connect();
  }

  get state(): ClientState {
    return this.client.state;
  }

  /** The gateway that it is on, or tries. */
  get gateway(): string {
    return this.#gateways[this.#gatewayIndex % this.#gateways.length] as string;
  }

  /** Events that it misses: all that were emitted while it is away, and what is late while it is connected. */
  get missing(): number {
    if (this.state !== 'live') return this.ledger.awaited;
    const late = performance.now() - LATE_MS;
    return [...this.#awaitedSince.values()].filter((since) => since < late).length;
  }

  switchOff(): void {
    this.cut = true;
    this.client.disconnect();
    this.#listener.onChange();
  }

  switchOn(): void {
    this.cut = false;
    this.client.connect();
    this.#listener.onChange();
  }

  /** The service emitted an event; whether it is for this client is found out here. */
  announce(event: Emitted): void {
    if (event.tenant !== this.member.tenant || !event.recipients.includes(this.member.id)) return;
    if (this.ledger.announce(event) && this.ledger.received > 0) {
      this.#awaitedSince.set(event.id, performance.now());
      this.#listener.onAwaited?.(event);
    }
    this.#listener.onChange();
  }

  withdraw(id: string): void {
    this.ledger.withdraw(id);
    this.#awaitedSince.delete(id);
    this.#listener.onChange();
  }

  close(): void {
    this.client.close();
  }

  #connect(): RejoinClient<DemoEvents> {
    const client = createClient<DemoEvents>({
      url: () => this.gateway,
      token: () => fetchToken(this.member),
    });
    client.on('order.*', (event, reception) => {
      this.#listener.onOrder?.(event, reception);
      this.#receive(event, reception);
    });
    client.on('notification.*', (event, reception) => {
      this.#listener.onNotification?.(event);
      if (event.type !== 'notification.read') this.#receive(event, reception);
    });
    client.onReplay((replay) => this.#onReplay(replay));
    client.onState((state) => this.#onState(state));
    return client.connect();
  }

  #receive(event: OrderEvent | NoticeEvent, { replayed }: Reception): void {
    this.ledger.receive(event);
    const waitedMs = performance.now() - (this.#awaitedSince.get(event.id) ?? Number.POSITIVE_INFINITY);
    this.#awaitedSince.delete(event.id);
    if (!replayed && waitedMs > LATE_MS) this.#listener.onDelayed?.(waitedMs);
    this.#listener.onReceived?.(event, replayed);
    this.#listener.onChange();
  }

  #onState(state: ClientState): void {
    if (state === 'waiting') this.#gatewayIndex += 1; // this one is away: try the other
    const now = performance.now();
    if (state === 'replaying') {
      this.#replayingSince = now;
      this.#awayMs = this.#liveGateway === null || this.#awaySince === null ? null : now - this.#awaySince;
    }
    if (state === 'live') this.#awaySince = null;
    else this.#awaySince ??= now;
    this.#listener.onChange();
  }

  #onReplay(replay: ReplayReport): void {
    if (replay.status === 'gap') {
      this.ledger.giveUp();
      this.#awaitedSince.clear();
    }
    const before = this.#liveGateway;
    this.catchUp = {
      replay,
      awayMs: this.#awayMs,
      tookMs: performance.now() - this.#replayingSince,
      left: before === this.gateway ? null : before,
    };
    this.#liveGateway = this.gateway;
    this.#listener.onCaughtUp?.(this.catchUp);
    this.#listener.onChange();
  }
}
