import type { Lifecycle } from '@rejoin/runtime';
import { BenchError } from './errors.ts';
import type { PeerProcess } from './peer-process.ts';
import type { ClientCalls, Reception } from './peers/client-calls.ts';
import type { PublishPlan, PublishReport } from './peers/producer.ts';
import { startRejoinSystem } from './rejoin-system.ts';
import { startStockSystem } from './stock-system.ts';
import { connectClients, type Side, type System } from './system.ts';

export interface ScenarioContext {
  readonly lifecycle: Lifecycle;
  /** Small sizes, to see that a scenario works; the figures mean nothing. */
  readonly quick: boolean;
  readonly profileDirectory?: string;
  /** Says how far it is. */
  note(text: string): void;
}

export type Unit = 's' | 'ms' | 'MB' | 'events/s' | 'count' | '×' | 'KiB' | 'µs' | 'B' | '%';

/** One figure of both sides. */
export interface Measure {
  readonly name: string;
  readonly unit: Unit;
  readonly rejoin: number;
  /** Between what bounds this project's figure is with 95 % confidence, where that is known. */
  readonly interval?: { readonly low: number; readonly high: number };
  /** `null` where it was not measured. */
  readonly stock: number | null;
  /** How many times better this project is; `null` where that cannot be said. */
  readonly ratio: number | null;
  /** What the project set out to reach. */
  readonly goal: { readonly text: string; readonly reached: boolean } | null;
}

export interface ScenarioResult {
  /** What was done, in one sentence. */
  readonly title: string;
  readonly parameters: Readonly<Record<string, number | readonly string[]>>;
  readonly redisVersion: string;
  readonly measures: readonly Measure[];
  /** Every round as it was measured, in its order. */
  readonly rounds: readonly ({ readonly side: Side | 'ws' } & Readonly<Record<string, unknown>>)[];
}

export interface Scenario {
  readonly name: string;
  run(context: ScenarioContext): Promise<ScenarioResult>;
}

/** One side with its clients connected, and what they must have received by now. */
export class Contestant {
  readonly system: System;
  readonly clients: PeerProcess<ClientCalls>;
  readonly #users: readonly string[];
  readonly #expected: number[];

  private constructor(system: System, clients: PeerProcess<ClientCalls>, users: readonly string[]) {
    this.system = system;
    this.clients = clients;
    this.#users = users;
    this.#expected = users.map(() => 0);
  }

  static async start(
    side: Side,
    { lifecycle, profileDirectory, note }: ScenarioContext,
    { gateways, users }: { readonly gateways: number; readonly users: readonly string[] },
  ): Promise<Contestant> {
    const options = { gateways, lifecycle, ...(profileDirectory === undefined ? {} : { profileDirectory }) };
    const system = await (side === 'rejoin' ? startRejoinSystem(options) : startStockSystem(options));
    note(`${side}: running as ${[...system.pids].join(', ')}`);
    const contestant = new Contestant(system, await connectClients(system, users, lifecycle), users);
    // The adapter reads from "$", and may miss what comes between two reads, until it was given a first entry.
    await system.producer.call('publish', { users: ['nobody'], count: 10, perSecond: 50, eventBytes: 250 });
    return contestant;
  }

  get side(): Side {
    return this.system.side;
  }

  /** Publishes to the clients, in turn. */
  async publish(plan: Omit<PublishPlan, 'users'>): Promise<PublishReport> {
    const clients = this.#users.length;
    for (let index = 0; index < clients; index++) {
      this.#expected[index] = (this.#expected[index] ?? 0) + Math.ceil((plan.count - index) / clients);
    }
    return this.system.producer.call('publish', { ...plan, users: this.#users });
  }

  /** Waits until the clients have everything, at most `timeoutMs`. */
  receive(timeoutMs: number): Promise<Reception> {
    return this.clients.call('receive', { expected: this.#expected, timeoutMs });
  }

  /**
   * Brings back clients that were cut off, and waits as `receive` does, or until all are connected and nothing came for
   * `quietMs`.
   */
  comeBack(timeoutMs: number, quietMs: number): Promise<Reception> {
    return this.clients.call('comeBack', { expected: this.#expected, timeoutMs, quietMs });
  }

  /** @throws BenchError `NOT_DELIVERED` where something is missing after `timeoutMs` */
  async receiveAll(timeoutMs: number): Promise<Reception> {
    const reception = await this.receive(timeoutMs);
    if (reception.complete) return reception;
    throw new BenchError(
      'NOT_DELIVERED',
      `${this.side}: ${reception.delivery.lost} events did not arrive in ${timeoutMs / 1000} s`,
    );
  }

  async stop(): Promise<void> {
    await this.clients.stop();
    await this.system.stop();
  }
}

/** The sides in the order of a round: each begins every other one, for the machine may drift. */
export function inTurn<Item>([first, second]: readonly [Item, Item], round: number): readonly [Item, Item] {
  return round % 2 === 0 ? [first, second] : [second, first];
}
