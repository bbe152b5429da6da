import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it, jest } from '@jest/globals';
import type { ReplayReport } from '@rejoin/protocol';
import { parseCursor } from '@rejoin/protocol';
import { eventually, tokenFor, uniquePrefix } from '@rejoin/testing';
import * as fc from 'fast-check';
import { createClient, type RejoinClient } from '../src/index.ts';
import { ScriptedHistory } from './conformance/scripted-history.ts';

jest.setTimeout(180_000);

type Act =
  | { readonly kind: 'publish'; readonly count: number }
  | { readonly kind: 'away' | 'back' | 'sever' | 'hop' | 'reload' | 'trim' | 'breakHistory' | 'losePayload' | 'settle' }
  | { readonly kind: 'hold' | 'release' | 'arrive' }
  | { readonly kind: 'breakReplay'; readonly after: number };

const acts: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('publish' as const), count: fc.integer({ min: 1, max: 12 }) }),
  },
  { weight: 3, arbitrary: fc.constantFrom<Act>({ kind: 'away' }, { kind: 'back' }, { kind: 'sever' }) },
  { weight: 2, arbitrary: fc.constantFrom<Act>({ kind: 'hop' }, { kind: 'reload' }, { kind: 'settle' }) },
  { weight: 2, arbitrary: fc.constantFrom<Act>({ kind: 'hold' }, { kind: 'release' }) },
  { weight: 4, arbitrary: fc.constant<Act>({ kind: 'arrive' }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('breakReplay' as const), after: fc.integer({ min: 0, max: 5 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Act>({ kind: 'trim' }, { kind: 'breakHistory' }, { kind: 'losePayload' }),
  },
);

/** A client, and what came to it over all its pages. */
class Subject {
  readonly history: ScriptedHistory;
  /** Events in the order in which their handlers were called, and those whose handlers ended. */
  readonly handed: number[] = [];
  readonly handled = new Set<number>();
  readonly gaps: Extract<ReplayReport, { status: 'gap' }>[] = [];
  readonly problems: string[] = [];
  /** Handed, and not handled when its page died: it may be handed once more. */
  readonly interrupted = new Set<number>();
  client: RejoinClient;
  readonly #store = new Map<string, string>();
  readonly #name = uniquePrefix();
  #held: (() => void)[] = [];
  #holds = false;
  #page = 0;

  constructor(history: ScriptedHistory) {
    this.history = history;
    this.client = this.#open();
  }

  async act(act: Act): Promise<void> {
    const { history } = this;
    if (act.kind === 'publish') await history.publish(act.count);
    else if (act.kind === 'away') history.away();
    else if (act.kind === 'back') history.back();
    else if (act.kind === 'sever') history.sever();
    else if (act.kind === 'hop') await history.hop();
    else if (act.kind === 'reload') this.#reload();
    else if (act.kind === 'trim') await history.trim(Math.floor(history.length / 2));
    else if (act.kind === 'breakHistory') history.breakHistory();
    else if (act.kind === 'losePayload') {
      if (history.length > 0) await history.losePayload(history.length);
    } else if (act.kind === 'hold') this.#holds = true;
    else if (act.kind === 'release') {
      this.release();
      // A page does not die in the turn in which a handler ends: the client would not know yet that it did.
      await nextTurn();
    } else if (act.kind === 'breakReplay') history.stopReplayAfter(act.after);
    else if (act.kind === 'arrive') await eventually(() => this.#isIdle());
    else await eventually(() => this.client.state !== 'connecting');
  }

  /** Nothing comes by itself now. */
  #isIdle(): boolean {
    const { state, cursor } = this.client;
    return this.#held.length > 0 || cursor === this.history.cursorOf(this.history.length) || state !== 'live';
  }

  release(): void {
    this.#holds = false;
    for (const release of this.#held.splice(0)) release();
  }

  #reload(): void {
    this.client.close();
    // What was in a handler dies with the page.
    this.#page += 1;
    for (const event of this.handed) if (!this.handled.has(event)) this.interrupted.add(event);
    this.#held = [];
    this.client = this.#open();
  }

  #open(): RejoinClient {
    const page = this.#page;
    const client = createClient({
      url: () => this.history.url,
      token: () => tokenFor({ tenant: 'acme', sub: 'u-1' }),
      store: { get: (key) => this.#store.get(key), set: (key, value) => void this.#store.set(key, value) },
      name: this.#name,
      backoff: { minMs: 1, maxMs: 10 },
      saveIntervalMs: 0,
      ackIntervalMs: 1,
      maxWaiting: 10,
    });
    let last = 0;
    client.on('*', ({ data }) => {
      const { number } = data as { number: number };
      if (number <= last) this.problems.push(`${number} came after ${last}`);
      last = number;
      if (this.handled.has(number)) this.problems.push(`${number} was handed again`);
      if (this.handed.includes(number) && !this.interrupted.has(number)) this.problems.push(`${number} came twice`);
      this.handed.push(number);
      const end = (): void => {
        if (page === this.#page) this.handled.add(number);
      };
      if (!this.#holds) return end();
      return new Promise<void>((resolve) => this.#held.push(resolve)).then(end);
    });
    client.onReplay((report) => void (report.status === 'gap' && this.gaps.push(report)));
    client.onError((error) => this.problems.push(error.message));
    return client.connect();
  }
}

const numberIn = (cursor: string): number => Number(parseCursor(cursor)?.entryId.split('-')[1]);

it('whatever happens, every event is handed once and in order, or lies in a gap that was reported', async () => {
  let gapped = 0;
  let handed = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(acts, { minLength: 5, maxLength: 40 }), async (schedule) => {
      const history = await ScriptedHistory.start();
      const subject = new Subject(history);
      try {
        await subject.client.ready();
        for (const act of schedule) await subject.act(act);
        subject.release();
        history.back();
        history.stopReplayAfter(Number.POSITIVE_INFINITY);
        history.sever();
        await history.publish(1);
        const last = history.length;
        await eventually(() => subject.handled.has(last), { timeoutMs: 20_000 });
        expect(subject.problems).toEqual([]);
        const lost = Array.from({ length: last }, (_, i) => i + 1).filter((event) => !subject.handled.has(event));
        const covered = (event: number): boolean =>
          subject.gaps.some(({ from, oldest }) => numberIn(from as string) < event && event <= numberIn(oldest));
        expect(lost.filter((event) => !covered(event))).toEqual([]);
        gapped += lost.length;
        handed += subject.handled.size;
      } finally {
        subject.client.close();
        await history.stop();
      }
    }),
    { numRuns: 60, endOnFailure: false },
  );
  // Otherwise the schedules prove nothing.
  expect(gapped).toBeGreaterThan(0);
  expect(handed).toBeGreaterThan(500);
});
