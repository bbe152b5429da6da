import type { ReplayReport } from '@rejoin/protocol';
import { compareCursors } from './cursor-order.ts';
import { type CursorStore, memoryStore } from './cursor-store.ts';
import { Delivery } from './delivery.ts';
import { RejoinError } from './errors.ts';
import type { EventHandler, EventMap, EventOf, PatternOf, ReceivedEvent } from './event-map.ts';
import { EventStream } from './event-stream.ts';
import { HandlerRuns } from './handler-runs.ts';
import { Handlers } from './handlers.ts';
import { Inbox } from './inbox.ts';
import type { Arrival, Link } from './link.ts';
import type { ClientOptions } from './options.ts';
import { observePage } from './page.ts';
import { SocketLink } from './socket-link.ts';
import { type ClientState, type StateListener, StateMachine } from './state.ts';
import { Throttle } from './throttle.ts';

/** What was missed and cannot be replayed: refetch what matters. */
export type Gap = Extract<ReplayReport, { status: 'gap' }>;

/** What a handler or listener was registered with; calling it again has no effect. */
export type Unsubscribe = () => void;

/**
 * Receives events in order, each once, over any number of connections.
 *
 * Handlers run one event at a time: what they return is awaited before the next event, and before the position moves. A
 * position is therefore never ahead of the handlers, and a page that dies in the middle of one is handed that event again.
 */
export class RejoinClient<Events extends EventMap<Events> = Record<string, unknown>> {
  readonly #machine = new StateMachine();
  readonly #handlers = new Handlers();
  readonly #replayHandlers = new Set<(report: ReplayReport) => unknown>();
  readonly #errorListeners = new Set<(error: RejoinError) => void>();
  readonly #inbox = new Inbox();
  readonly #delivery: Delivery;
  readonly #link: Link;
  readonly #store: CursorStore;
  readonly #name: string;
  readonly #maxWaiting: number;
  readonly #saving: Throttle;
  readonly #acknowledging: Throttle;
  readonly #stopObserving: () => void;
  /** How many parts of the page watch each resource. */
  readonly #watched = new Map<string, number>();
  /** Of the user whom the token names. */
  #key: string | undefined;
  #paused = false;

  constructor(options: ClientOptions) {
    this.#store = options.store ?? memoryStore();
    this.#name = options.name ?? 'rejoin';
    this.#maxWaiting = options.maxWaiting ?? 10_000;
    const report = (error: RejoinError): void => this.#report(error);
    const runs = new HandlerRuns(options, report);
    this.#saving = new Throttle(() => void this.#save(), options.saveIntervalMs ?? 100);
    this.#acknowledging = new Throttle(() => this.#acknowledge(), options.ackIntervalMs ?? 5_000);
    this.#delivery = new Delivery({
      onEvent: (event, reception) =>
        runs.each(this.#handlers.of(event.type).map((handler) => () => handler(event, reception))),
      onReady: (replay) => runs.each([...this.#replayHandlers].map((handler) => () => handler(replay))),
      onHandled: () => {
        this.#saving.request();
        if (this.state !== 'closed') this.#acknowledging.request();
      },
      onDrained: () => this.#onDrained(),
    });
    const connection = options.connection ?? ((...given) => new SocketLink(...given));
    this.#link = connection(options, {
      position: () => this.#inbox.position,
      received: () => this.#inbox.cursor,
      watched: () => [...this.#watched.keys()],
      onState: (state, cause) => this.#machine.set(state, cause),
      onIdentity: (identity) => this.#identify(identity),
      onArrival: (arrival) => this.#onArrival(arrival),
      onError: report,
    });
    this.#stopObserving = observePage({ onWake: () => this.#link.wake(), onHide: () => this.#saving.flush() });
  }

  get state(): ClientState {
    return this.#machine.state;
  }

  /** Why it is `waiting` or `stopped`; `null` in every other state. */
  get cause(): RejoinError | null {
    return this.#machine.cause;
  }

  /** The position up to which everything was handled. */
  get cursor(): string | undefined {
    return this.#delivery.cursor;
  }

  /** Connects, and keeps connected. Register handlers first: what nobody handles counts as handled. */
  connect(): this {
    if (this.state !== 'closed') this.#link.connect();
    return this;
  }

  /** Ends the connection; `connect()` goes on where this stopped. */
  disconnect(): void {
    this.#acknowledging.flush();
    this.#link.disconnect();
    this.#saving.flush();
  }

  /** Ends for good. What is being handled at this moment still counts once its handler is done. */
  close(): void {
    if (this.state === 'closed') return;
    this.disconnect();
    this.#machine.set('closed');
    this.#stopObserving();
    this.#acknowledging.cancel();
    this.#delivery.stop();
  }

  /** Resolves when it is live. @throws RejoinError when it stops or is closed instead */
  ready(): Promise<void> {
    return new Promise((resolve, reject) => {
      const look: StateListener = (state, cause) => {
        if (state === 'live') resolve();
        else if (state === 'stopped' || state === 'closed') reject(cause ?? new RejoinError('CLOSED'));
        else return;
        stop();
      };
      const stop = this.onState(look);
      look(this.state, this.cause);
    });
  }

  /** Is told of every change of the state. */
  onState(listener: StateListener): Unsubscribe {
    return this.#machine.observe(listener);
  }

  /** @param pattern an event type, or the beginning of one followed by `*` */
  on<Pattern extends PatternOf<Events>>(
    pattern: Pattern,
    handler: EventHandler<EventOf<Events, Pattern>>,
  ): Unsubscribe {
    return this.#handlers.add(pattern, handler as unknown as EventHandler<ReceivedEvent>);
  }

  /** Events for a `for await` loop, from this call on. */
  events<Pattern extends PatternOf<Events>>(pattern: Pattern): AsyncIterableIterator<EventOf<Events, Pattern>> {
    const stream = new EventStream<EventOf<Events, Pattern>>((handler) => {
      const off = this.on(pattern, handler);
      const stop = this.onState((state) => state === 'closed' && stream.end());
      return () => {
        off();
        stop();
      };
    });
    return stream;
  }

  /** Something was missed for good: refetch what matters. Its result is awaited before the first event that comes after. */
  onGap(handler: (gap: Gap) => unknown): Unsubscribe {
    return this.onReplay((report) => (report.status === 'gap' ? handler(report) : undefined));
  }

  /** A connection has caught up, with or without a gap: how many events were missed, say. Its result is awaited as well. */
  onReplay(handler: (report: ReplayReport) => unknown): Unsubscribe {
    const once = (report: ReplayReport): unknown => handler(report);
    this.#replayHandlers.add(once);
    return () => this.#replayHandlers.delete(once);
  }

  /** What went wrong beside the connection, above all in handlers. Where nobody listens it goes to the console. */
  onError(listener: (error: RejoinError) => void): Unsubscribe {
    this.#errorListeners.add(listener);
    return () => this.#errorListeners.delete(listener);
  }

  /**
   * Receives a resource's events, `order:991`, also on later connections, until it was unwatched as often as it was watched.
   * Resolves when the gateway confirms it.
   * @throws RejoinError `FORBIDDEN` where the user may not
   */
  async watch(resource: string): Promise<void> {
    this.#watched.set(resource, (this.#watched.get(resource) ?? 0) + 1);
    try {
      await this.#link.watch(resource);
    } catch (error) {
      this.#watched.delete(resource);
      throw error;
    }
  }

  unwatch(resource: string): void {
    const count = this.#watched.get(resource) ?? 0;
    if (count > 1) this.#watched.set(resource, count - 1);
    else if (this.#watched.delete(resource)) this.#link.unwatch(resource);
  }

  /** Runs a command of the gateway, such as `notifications:list`. @throws RejoinError */
  async call<Result = unknown>(command: string, payload: object = {}): Promise<Result> {
    return (await this.#link.call(command, payload)) as Result;
  }

  #onArrival(arrival: Arrival): void {
    const { kind, cursor } = arrival;
    let handed = arrival;
    if (kind === 'begin') this.#inbox.begin();
    else if (kind === 'event') {
      const verdict = this.#inbox.judge(cursor);
      if (verdict === 'disordered') this.#report(new RejoinError('OUT_OF_ORDER', { cause: arrival.event.id }));
      if (verdict !== 'new') return;
    } else {
      if (kind === 'ready') handed = this.#concluded(arrival);
      this.#inbox.advance(cursor);
    }
    this.#delivery.push(handed);
    if (this.#delivery.waiting > this.#maxWaiting && !this.#paused) {
      this.#paused = true;
      this.#link.pause();
    }
  }

  /** The end of a replay, as it concerns this tab: one that was past what is missing has no gap. */
  #concluded(arrival: Extract<Arrival, { kind: 'ready' }>): Arrival {
    const { position } = this.#inbox;
    const { replay } = arrival;
    this.#inbox.replayFrom = undefined;
    const isOthers =
      replay.status === 'gap' && replay.from !== position && compareCursors(replay.oldest, position) <= 0;
    // What was received is nothing that the gateway knows: what comes now would seem old.
    if (!isOthers && replay.status === 'gap' && replay.reason === 'ahead') this.#inbox.cursor = undefined;
    return isOthers ? { ...arrival, replay: { status: 'complete', count: replay.count } } : arrival;
  }

  #onDrained(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (this.state !== 'idle' && this.state !== 'closed') this.#link.resume();
  }

  /** Continues where this user stopped, and nobody else. */
  async #identify(identity: string): Promise<void> {
    const key = `${this.#name}:${identity}`;
    if (key === this.#key) return;
    this.#saving.flush();
    this.#key = undefined;
    this.#acknowledging.cancel();
    let kept: string | null | undefined;
    try {
      kept = await this.#store.get(key);
    } catch (error) {
      this.#onStoreError(error);
    }
    const position = kept?.split(' ') ?? [];
    this.#key = key;
    this.#inbox.reset(...position);
    this.#delivery.reset(...position);
  }

  async #save(): Promise<void> {
    const { cursor, replayFrom } = this.#delivery;
    if (cursor === undefined || this.#key === undefined || !this.#link.leads) return;
    try {
      await this.#store.set(this.#key, replayFrom ? `${cursor} ${replayFrom}` : cursor);
    } catch (error) {
      this.#onStoreError(error);
    }
  }

  #onStoreError(cause: unknown): void {
    this.#report(new RejoinError('STORE_FAILED', { cause }));
  }

  #acknowledge(): void {
    if (this.cursor !== undefined) this.#link.acknowledge(this.cursor);
  }

  #report(error: RejoinError): void {
    if (this.#errorListeners.size === 0) console.error(error);
    for (const listener of [...this.#errorListeners]) listener(error);
  }
}

/** @see ClientOptions */
export function createClient<Events extends EventMap<Events> = Record<string, unknown>>(
  options: ClientOptions,
): RejoinClient<Events> {
  return new RejoinClient<Events>(options);
}
