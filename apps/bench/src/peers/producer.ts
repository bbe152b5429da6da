import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { monotonicMs } from '../clock.ts';

/** What to publish: events that go to one user each, in turn. */
export interface PublishPlan {
  readonly users: readonly string[];
  readonly count: number;
  /** Size of an event as its client receives it, in bytes of JSON. */
  readonly eventBytes: number;
  /** As fast as possible where absent. */
  readonly perSecond?: number;
  /** Events to users who are not there, `perEvent` of them after each of the others. */
  readonly others?: { readonly users: readonly string[]; readonly perEvent: number };
}

export interface PublishReport {
  /** Of the machine's monotonic clock, in milliseconds: before the first event, and after Redis confirmed the last. */
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  readonly published: number;
}

export interface ProducerCalls {
  publish(plan: PublishPlan): Promise<PublishReport>;
}

/** The event as clients receive it, the same on both sides. */
export interface BenchEvent {
  readonly id: string;
  readonly type: string;
  readonly time: string;
  readonly data: BenchData;
}

export interface BenchData {
  /** Counts the events of its user, from 0. */
  readonly seq: number;
  /** When it was handed to the publishing library; see `monotonicMs`. */
  readonly sentAtMs: number;
  readonly padding: string;
}

/** In place of a user: the whole tenant. */
export const EVERYBODY = '*';

export const EVENT_TYPE = 'order.updated';

/** A way to publish; `flush` resolves when Redis has confirmed everything. */
export interface Outlet {
  publish(user: string, event: BenchEvent): void;
  flush(): Promise<void>;
}

/** Of an event's JSON, what does not change from one to the next. */
const EMPTY_EVENT_BYTES =
  `{"id":"","type":"${EVENT_TYPE}","time":"${new Date(0).toISOString()}","data":{"seq":,"sentAtMs":,"padding":""}}`
    .length;
/** Events published in one turn of the event loop; the library under test gets the turn between. */
const CHUNK = 250;
/** Publishing pauses for confirmation after so many: both sides hold what is not confirmed in memory. */
const FLUSH_EVERY = 40_000;

/** Publishes plans through an outlet; the sequence of each user goes on from one plan to the next. */
export class Producer implements ProducerCalls {
  readonly #outlet: Outlet;
  readonly #sequences = new Map<string, number>();
  readonly #run = `${process.pid}-${Date.now().toString(36)}`;
  #published = 0;

  constructor(outlet: Outlet) {
    this.#outlet = outlet;
  }

  async publish(plan: PublishPlan): Promise<PublishReport> {
    const before = this.#published;
    const startedAtMs = monotonicMs();
    await (plan.perSecond === undefined ? this.#asFastAsPossible(plan) : this.#paced(plan, plan.perSecond));
    await this.#outlet.flush();
    return { startedAtMs, finishedAtMs: monotonicMs(), published: this.#published - before };
  }

  async #asFastAsPossible(plan: PublishPlan): Promise<void> {
    let unconfirmed = this.#published;
    for (let index = 0; index < plan.count; index++) {
      this.#publishAt(plan, index);
      if (index % CHUNK !== CHUNK - 1) continue;
      await nextTurn();
      if (this.#published - unconfirmed < FLUSH_EVERY) continue;
      await this.#outlet.flush();
      unconfirmed = this.#published;
    }
  }

  async #paced(plan: PublishPlan, perSecond: number): Promise<void> {
    const startedAtMs = monotonicMs();
    for (let index = 0; index < plan.count; ) {
      const due = Math.min(plan.count, Math.ceil(((monotonicMs() - startedAtMs) / 1_000) * perSecond));
      for (; index < due; index++) this.#publishAt(plan, index);
      await delay(1);
    }
  }

  #publishAt({ users, eventBytes, others }: PublishPlan, index: number): void {
    this.#publishTo(users[index % users.length] as string, eventBytes);
    for (let other = 0; other < (others?.perEvent ?? 0); other++) {
      const position = index * (others?.perEvent ?? 0) + other;
      this.#publishTo(others?.users[position % others.users.length] as string, eventBytes);
    }
  }

  #publishTo(user: string, eventBytes: number): void {
    const seq = this.#sequences.get(user) ?? 0;
    this.#sequences.set(user, seq + 1);
    this.#published += 1;
    const id = `${this.#run}-${this.#published}`;
    const sentAtMs = Math.round(monotonicMs() * 1_000) / 1_000;
    const rest = EMPTY_EVENT_BYTES + id.length + String(seq).length + String(sentAtMs).length;
    const padding = 'x'.repeat(Math.max(0, eventBytes - rest));
    this.#outlet.publish(user, {
      id,
      type: EVENT_TYPE,
      time: new Date().toISOString(),
      data: { seq, sentAtMs, padding },
    });
  }
}
