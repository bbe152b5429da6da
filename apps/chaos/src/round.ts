import { setTimeout as delay } from 'node:timers/promises';
import type { SeededRandom } from '@rejoin/testing';
import type { ChaosClient } from './chaos-client.ts';
import type { ChaosSystem } from './chaos-system.ts';
import { type FaultContext, INJECTORS } from './faults.ts';
import { JournalReader } from './journal.ts';
import { judge, judgeDeadLetters, learnPlaces, watchTrimming } from './judgement.ts';
import { Ledger } from './ledger.ts';
import { Producers } from './producers.ts';
import { excess, memoryOf, unready, unrest, untilNothing, watchMemory } from './quiet.ts';
import type { Referee } from './referee.ts';
import { describeFault, drawRound, type PlannedFault } from './schedule.ts';

export interface RoundOptions {
  readonly system: ChaosSystem;
  readonly clients: readonly ChaosClient[];
  readonly referee: Referee;
  readonly random: SeededRandom;
  readonly number: number;
  readonly seed: number;
  /** For how long faults are dealt, in milliseconds. */
  readonly spanMs: number;
  /** Where journals are kept. */
  readonly directory: string;
  note(this: void, text: string): void;
}

/** How long everything may take to come to rest once nothing is done to it any more. A last attempt may be 16 s away. */
const REST_TIMEOUT_MS = 120_000;
/** How long what is beyond its bound may take to be trimmed. */
const TRIM_TIMEOUT_MS = 30_000;
const EVENTS_PER_SECOND = 60;
const WATCH_MS = 500;
const HTTP_EVERY_MS = 500;
const HTTP_BATCH = 10;

/** One round: load and faults, then quiet, then judgement. What it promised is kept, or the referee has the breach. */
export class Round {
  readonly #options: RoundOptions;
  readonly #ledger = new Ledger();
  readonly #producers: Producers;
  readonly #journal: JournalReader;
  readonly #underWay: Promise<void>[] = [];

  constructor(options: RoundOptions) {
    this.#options = options;
    const { system, random, number, directory } = options;
    this.#producers = new Producers(system, random, `h${number}`);
    this.#journal = new JournalReader(`${directory}/journal-${number}`);
  }

  async run(): Promise<void> {
    const { system, referee, random, spanMs, number, seed } = this.#options;
    const publisherEnv = {
      JOURNAL: this.#journal.path,
      PER_SECOND: String(EVENTS_PER_SECOND),
      SEED: String(seed * 1_000 + number),
    };
    await system.publisher.exclusively(() => system.publisher.start(publisherEnv));
    const stopWatching = new AbortController();
    const watching = Promise.all([
      this.#every(WATCH_MS, stopWatching.signal, () => this.#watch()),
      this.#every(HTTP_EVERY_MS, stopWatching.signal, () => {
        this.#begin(this.#producers.publishOverHttp(this.#ledger, HTTP_BATCH));
      }),
    ]);
    await this.#deal(drawRound(random, spanMs), publisherEnv);
    if (!referee.broken.aborted) await this.#comeToRest();
    stopWatching.abort();
    this.#producers.end();
    await watching;
    if (!referee.broken.aborted) await this.#judge();
    for (const client of this.#options.clients) client.turnPage();
  }

  async #deal(faults: readonly PlannedFault[], publisherEnv: FaultContext['publisherEnv']): Promise<void> {
    const { system, clients, referee, note } = this.#options;
    const startedMs = performance.now();
    const context = { system, clients, producers: this.#producers, ledger: this.#ledger, publisherEnv };
    for (const fault of faults) {
      const waitMs = startedMs + fault.atMs - performance.now();
      if (waitMs > 0) await delay(waitMs, undefined, { signal: referee.broken }).catch(ignoreAbort);
      if (referee.broken.aborted) return;
      const injection = INJECTORS[fault.kind](context, fault);
      const text = describeFault(fault, injection.target);
      note(text);
      referee.noteFault(text);
      this.#begin(injection.run());
    }
  }

  /** Ends what is being done, has everything accepted, and waits until it is worked off. */
  async #comeToRest(): Promise<void> {
    const { system, clients, referee } = this.#options;
    await Promise.all(this.#underWay.splice(0));
    system.heal();
    for (const client of clients) client.connect();
    await system.publisher.exclusively(async () => {
      const exit = await system.publisher.stop();
      if (exit?.code !== 0) {
        referee.report('G1', 'the publisher could not have everything accepted', {
          exit,
          log: system.publisher.log(10),
        });
      }
    });
    await Promise.all(this.#underWay.splice(0));
    this.#readJournal();
    const left = await untilNothing(() => unrest(system), REST_TIMEOUT_MS, referee.broken);
    if (left) referee.report('G7', 'a partition does not come to rest', left);
    system.isFatalEventUnderWay = false;
  }

  async #judge(): Promise<void> {
    const { system, clients, referee, number, note } = this.#options;
    const ledger = this.#ledger;
    const running = system.slots.filter((slot) => slot !== system.publisher);
    const wrong = await untilNothing(() => unready(running), REST_TIMEOUT_MS, referee.broken);
    if (wrong) referee.report('G6', 'a process does not become ready again', wrong);
    await untilNothing(() => this.#behind(), REST_TIMEOUT_MS, referee.broken);
    await learnPlaces(system, clients, ledger, referee);
    // First, since a good event that is dead is a cause of its absence.
    const dead = await judgeDeadLetters(system, ledger, referee);
    let expected = 0;
    let gapped = 0;
    for (const client of clients) {
      const judgement = judge(client, ledger);
      expected += judgement.expected;
      gapped += judgement.gapped;
      const [lost] = judgement.missing;
      if (lost) {
        referee.report('G1', `${judgement.missing.length} events did not come, and no gap was reported`, {
          client: client.name,
          isLive: client.isLive,
          event: lost,
          received: client.receipts.length,
          gaps: client.gaps,
        });
      }
      const [unknown] = judgement.unknown;
      if (unknown !== undefined)
        referee.report('G2', 'an event of an earlier round came', { client: client.name, unknown });
    }
    const over = await untilNothing(() => excess(system), TRIM_TIMEOUT_MS, referee.broken);
    if (over) referee.report('G9', 'more is kept than the bound allows', over);
    for (const slot of running) {
      const [fatal] = slot.fatalLines();
      if (fatal !== undefined) referee.report('G6', `${slot.name} had an uncaught error`, { fatal });
    }
    const gaps = clients.reduce((sum, client) => sum + client.gaps.length, 0);
    const memory = [...memoryOf(running)].map(([name, mb]) => `${name} ${mb}`).join(', ');
    note(
      `round ${number}: ${ledger.accepted.length} events accepted, ${expected - gapped} of ${expected} deliveries made, ` +
        `${gapped} in ${gaps} reported gaps, ${dead} dead letters; MiB: ${memory}`,
    );
  }

  /** A client that is not live, or has not yet all that it is to have. */
  #behind(): string | null {
    for (const client of this.#options.clients) {
      if (!client.isLive) return client.name;
      // Of events that move the place is not known yet; nothing is final here.
      if (judge(client, this.#ledger).missing.length > 0) return client.name;
    }
    return null;
  }

  async #watch(): Promise<void> {
    const { system, referee } = this.#options;
    this.#readJournal();
    watchMemory(system.slots, referee);
    await watchTrimming(system, this.#ledger, referee);
  }

  #readJournal(): void {
    for (const { intent, accepted, entryId } of this.#journal.read()) {
      if (intent) this.#ledger.intend(intent);
      if (accepted !== undefined) this.#ledger.accept(accepted, entryId);
    }
  }

  #begin(work: Promise<void>): void {
    this.#underWay.push(
      work.catch((error: unknown) => {
        this.#options.referee.report('G6', 'a fault could not be undone', { error: String(error) });
      }),
    );
  }

  async #every(ms: number, stop: AbortSignal, act: () => unknown): Promise<void> {
    while (!stop.aborted && !this.#options.referee.broken.aborted) {
      await act();
      await delay(ms, undefined, { signal: stop }).catch(ignoreAbort);
    }
  }
}

/** Whoever waits looks at the signal next. */
function ignoreAbort(): void {}
