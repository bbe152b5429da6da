import { createClient, type RejoinClient } from '@rejoin/client';
import {
  type ClientEvent,
  compareEntryIds,
  type EntryId,
  parseCursor,
  type Ready,
  type Refusal,
  type ReplayReport,
} from '@rejoin/protocol';
import { tokenFor } from '@rejoin/testing';
import { io, type Socket } from 'socket.io-client';
import type { EventData } from './event-kinds.ts';
import type { Referee } from './referee.ts';

export interface ClientOptions {
  readonly name: string;
  readonly tenant: string;
  readonly user: string;
  readonly roles: readonly string[];
  readonly watch: readonly string[];
  readonly groups: readonly string[];
  /** Of the gateways; it begins with the first. */
  readonly urls: readonly string[];
  readonly secret: string;
  readonly referee: Referee;
}

export interface Receipt {
  readonly id: string;
  readonly entryId: EntryId;
}

type Gap = Extract<ReplayReport, { status: 'gap' }>;

/** Gaps that follow from trimming. Any other reason means that data was lost, or that a cursor was not understood. */
const TRIMMED: ReadonlySet<string> = new Set(['window', 'room_limit', 'payload_missing']);

/**
 * One client, over all its connections: what it received, and which gaps it was told of. What can be said of an event by itself
 * (its tenant, its audience, its place behind the one before) is judged as it comes.
 */
export abstract class ChaosClient {
  readonly name: string;
  readonly tenant: string;
  receipts: Receipt[] = [];
  gaps: Gap[] = [];
  protected readonly options: ClientOptions;
  protected gateway = 0;
  readonly #audiences: ReadonlySet<string>;
  readonly #received = new Set<string>();
  #last: Receipt | undefined;

  constructor(options: ClientOptions) {
    const { name, tenant, user, roles, watch, groups } = options;
    this.options = options;
    this.name = name;
    this.tenant = tenant;
    this.#audiences = new Set([
      'tenant',
      `user:${user}`,
      ...roles.map((role) => `role:${role}`),
      ...watch,
      ...groups.map((group) => `group:${group}`),
    ]);
  }

  abstract get isLive(): boolean;
  abstract connect(): void;
  /** Stays away until `connect()`. */
  abstract disconnect(): void;
  abstract close(): void;

  /** Goes on at another gateway, unless it is away. */
  hop(): void {
    if (!this.isLive) return;
    this.gateway += 1;
    this.disconnect();
    this.connect();
  }

  sees(tenant: string, audience: string): boolean {
    return tenant === this.tenant && audience.split(',').some((token) => this.#audiences.has(token));
  }

  has(id: string): boolean {
    return this.#received.has(id);
  }

  /** Forgets what it received, but for the last event: a new round begins. */
  turnPage(): void {
    this.receipts = [];
    this.gaps = [];
  }

  protected get url(): string {
    const { urls } = this.options;
    return urls[this.gateway % urls.length] as string;
  }

  protected token(): string {
    const { tenant, user, roles, secret } = this.options;
    return tokenFor({ tenant, sub: user, roles, secret });
  }

  protected receive({ id, data }: ClientEvent, cursor: string): void {
    const { referee } = this.options;
    const entryId = parseCursor(cursor)?.entryId ?? '0-0';
    const { tenant, audience } = data as EventData;
    const evidence = { client: this.name, event: id, entryId };
    if (tenant !== this.tenant) referee.report('G4', `an event of tenant ${tenant} came`, evidence);
    else if (!this.sees(tenant, audience)) referee.report('G4', `an event for ${audience} came`, evidence);
    if (this.#received.has(id)) referee.report('G2', 'an event came twice', evidence);
    else if (this.#last && compareEntryIds(entryId, this.#last.entryId) <= 0) {
      referee.report('G3', 'an event came behind a later one', { ...evidence, before: this.#last });
    }
    this.#last = { id, entryId };
    this.#received.add(id);
    this.receipts.push(this.#last);
  }

  protected replayed(report: ReplayReport): void {
    if (report.status !== 'gap') return;
    this.gaps.push(report);
    if (TRIMMED.has(report.reason)) return;
    this.options.referee.report('G6', `a gap "${report.reason}" was reported, though no data was lost`, {
      client: this.name,
      gap: report,
    });
  }

  protected misordered(message: string): void {
    this.options.referee.report('G3', message, { client: this.name, before: this.#last });
  }
}

/** `socket.io-client` as it is. */
export class StockClient extends ChaosClient {
  readonly #socket: Socket;
  #isReady = false;
  #isAway = false;

  constructor(options: ClientOptions) {
    super(options);
    this.#socket = io(this.url, {
      auth: (give) => give({ token: this.token(), watch: [...options.watch] }),
      transports: ['websocket'],
      forceNew: true,
      autoConnect: false,
      reconnectionDelay: 50,
      reconnectionDelayMax: 500,
    });
    this.#socket.onAny((name: string, ...args: unknown[]) => this.#onPacket(name, args));
    this.#socket.on('disconnect', () => {
      this.#isReady = false;
      // What a server ends a stock client leaves to its application.
      if (!this.#isAway) setTimeout(() => this.#comeBack(), 100);
    });
    this.#socket.on('connect_error', (error: Error & { readonly data?: Partial<Refusal> }) => {
      if (error.data?.retryable) setTimeout(() => this.#comeBack(), error.data.retryAfterMs ?? 100);
      else if (error.data)
        options.referee.report('G1', 'a client is refused for good', { client: options.name, ...error.data });
    });
    // As behind a load balancer: a lost connection finds another gateway.
    this.#socket.io.on('reconnect_attempt', () => {
      this.gateway += 1;
      this.#aim();
    });
  }

  get isLive(): boolean {
    return this.#socket.connected && this.#isReady;
  }

  connect(): void {
    this.#isAway = false;
    this.#aim();
    this.#socket.connect();
  }

  disconnect(): void {
    this.#isAway = true;
    this.#isReady = false;
    this.#socket.disconnect();
  }

  close(): void {
    this.disconnect();
  }

  #comeBack(): void {
    if (!this.#isAway && !this.#socket.active) this.connect();
  }

  #aim(): void {
    (this.#socket.io as unknown as { uri: string }).uri = this.url;
  }

  #onPacket(name: string, args: readonly unknown[]): void {
    if (name === 'rejoin:ready') {
      this.#isReady = true;
      this.replayed((args[0] as Ready).replay);
    } else if (!name.includes(':')) {
      this.receive(args[0] as ClientEvent, args[1] as string);
    }
  }
}

/** `@rejoin/client`. */
export class OwnClient extends ChaosClient {
  readonly #client: RejoinClient;

  constructor(options: ClientOptions) {
    super(options);
    this.#client = createClient({
      url: () => this.url,
      token: () => this.token(),
      backoff: { minMs: 50, maxMs: 500 },
      name: options.name,
    });
    this.#client.on('*', (event, { cursor }) => this.receive(event as ClientEvent, cursor));
    this.#client.onReplay((report) => this.replayed(report));
    this.#client.onError((error) => {
      if (error.code === 'OUT_OF_ORDER') this.misordered(error.message);
    });
    this.#client.onState((state, cause) => {
      if (state === 'waiting') this.gateway += 1;
      if (state === 'stopped') {
        options.referee.report('G1', 'a client is refused for good', { client: options.name, code: cause?.code });
      }
    });
    for (const resource of options.watch) {
      this.#client.watch(resource).catch((error: unknown) => {
        if (this.#client.state === 'closed') return;
        options.referee.report('G1', `watching ${resource} was refused`, {
          client: options.name,
          error: String(error),
        });
      });
    }
  }

  get isLive(): boolean {
    return this.#client.state === 'live';
  }

  connect(): void {
    this.#client.connect();
  }

  disconnect(): void {
    this.#client.disconnect();
  }

  close(): void {
    this.#client.close();
  }
}
