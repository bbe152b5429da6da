import assert from 'node:assert/strict';
import { parseCursor, type ReplayReport, refusal } from '@rejoin/protocol';
import { eventually, tokenFor, uniquePrefix } from '@rejoin/testing';
import {
  type ClientOptions,
  createClient,
  type RejoinClient,
  type RejoinError,
  sharedByTabs,
  UnauthorizedError,
} from '../../src/index.ts';
import type { WebLocks } from '../web-locks.ts';
import { type ConformanceCase, rangesOf, type Step } from './case.ts';
import type { GatewayUnderTest, ScriptedUnderTest } from './gateway-under-test.ts';

/** What came to one page, over all its reloads. */
interface Page {
  client: RejoinClient;
  readonly owner: string;
  readonly shared: boolean;
  readonly handed: number[];
  readonly replays: ReplayReport[];
  readonly errors: RejoinError[];
}

/** For ten thousand events on a busy machine. */
const TIMEOUT = { timeoutMs: 40_000 };

/** Carries a case out, step by step, on any gateway. */
export class CaseRun {
  readonly #gateway: GatewayUnderTest;
  readonly #case: ConformanceCase;
  readonly #locks: WebLocks;
  readonly #pages = new Map<string, Page>();
  readonly #store = new Map<string, string>();
  readonly #name = uniquePrefix();
  readonly #severWhenHanded: number[] = [];
  #release: (() => void)[] = [];
  #token: 'fails' | 'unauthorized' | 'works' = 'works';
  #user = 'u-1';
  #asked = 0;

  constructor(gateway: GatewayUnderTest, conformanceCase: ConformanceCase, locks: WebLocks) {
    this.#gateway = gateway;
    this.#case = conformanceCase;
    this.#locks = locks;
  }

  async run(): Promise<void> {
    for (const [index, written] of this.#case.steps.entries()) {
      const step = (typeof written === 'string' ? { [written]: null } : written) as Step;
      try {
        await this.#perform(step, step.in ?? 'page');
      } catch (error) {
        throw new Error(`step ${index + 1}, ${JSON.stringify(written)}: ${(error as Error).message}`, { cause: error });
      }
    }
  }

  close(): void {
    for (const { client } of this.#pages.values()) client.close();
    for (const release of this.#release) release();
  }

  get #scripted(): ScriptedUnderTest {
    return this.#gateway as ScriptedUnderTest;
  }

  async #perform(step: Step, name: string): Promise<void> {
    const page = this.#pages.get(name) as Page;
    if ('open' in step) this.#open(name, step.open === 'shared');
    else if ('reload' in step) this.#reload(page);
    else if ('kill' in step) this.#kill(page);
    else if ('connect' in step) page.client.connect();
    else if ('disconnect' in step) page.client.disconnect();
    else if ('close' in step) page.client.close();
    else if ('release' in step) for (const release of this.#release.splice(0)) release();
    else if ('token' in step) this.#token = step.token;
    else if ('signIn' in step) this.#user = step.signIn;
    else if ('stored' in step) this.#tamper(step.stored);
    else if ('severWhenHanded' in step) this.#severWhenHanded.push(step.severWhenHanded);
    else if (!(await this.#disturb(step))) await eventually(() => this.#expect(step, page), TIMEOUT);
  }

  /** @returns whether it was a step that does something to the gateway */
  async #disturb(step: Step): Promise<boolean> {
    if ('publish' in step) await this.#gateway.publish(step.publish, step.hoursAgo ?? 0);
    else if ('away' in step) this.#gateway.away();
    else if ('back' in step) this.#gateway.back();
    else if ('sever' in step) this.#gateway.sever();
    else if ('hop' in step) await this.#gateway.hop();
    else if ('trim' in step) await this.#gateway.trim(step.trim);
    else if ('losePayload' in step) await this.#gateway.losePayload(step.losePayload);
    else if ('refuse' in step)
      this.#scripted.refuse(step.refuse.map(({ code, retryAfterMs }) => refusal(code, retryAfterMs)));
    else if ('closing' in step) this.#scripted.close(refusal(step.closing));
    else if ('resend' in step) this.#scripted.resend(step.resend);
    else if ('stopReplayAfter' in step) this.#scripted.stopReplayAfter(step.stopReplayAfter);
    else if ('expiring' in step) this.#scripted.warnOfExpiry(step.expiring);
    else return false;
    return true;
  }

  #expect(step: Step, page: Page): void {
    if ('handed' in step) assert.deepEqual(rangesOf(page.handed), String(step.handed));
    else if ('replays' in step)
      assert.deepEqual(
        page.replays.map(({ status }) => status),
        step.replays,
      );
    else if ('gaps' in step) assert.deepEqual(gapsOf(page), step.gaps);
    else if ('errors' in step)
      assert.deepEqual(
        page.errors.map(({ code }) => code),
        step.errors,
      );
    else if ('presented' in step) assert.deepEqual(this.#scripted.presented(), step.presented);
    else if ('acknowledged' in step) assert.deepEqual(this.#scripted.acknowledged(), step.acknowledged);
    else if ('refreshes' in step) assert.deepEqual(this.#scripted.refreshes(), step.refreshes);
    else if ('asked' in step) assert.deepEqual(this.#asked, step.asked);
    else if ('state' in step) {
      assert.deepEqual(page.client.state, step.state);
      if (step.cause !== undefined) assert.deepEqual(page.client.cause?.code, step.cause);
    } else throw new Error('there is no such step');
  }

  #open(name: string, shared: boolean): void {
    const owner = `${this.#name}-${name}`;
    const page: Page = { client: this.#client(shared), owner, shared, handed: [], replays: [], errors: [] };
    this.#pages.set(name, page);
    this.#start(page);
  }

  #reload(page: Page): void {
    this.#kill(page);
    page.client = this.#client(page.shared);
    this.#start(page);
  }

  #kill(page: Page): void {
    page.client.close();
    this.#locks.kill(page.owner);
  }

  #start(page: Page): void {
    const { client } = page;
    client.on('*', ({ data }) => this.#handle(page, (data as { number: number }).number));
    client.onReplay((report) => page.replays.push(report));
    client.onError((error) => page.errors.push(error));
    this.#locks.owner = page.owner;
    client.connect();
  }

  #client(shared: boolean): RejoinClient {
    const options: ClientOptions = {
      url: () => this.#gateway.url,
      token: () => this.#giveToken(),
      store: { get: (key) => this.#store.get(key), set: (key, value) => void this.#store.set(key, value) },
      name: this.#name,
      backoff: { minMs: 2, maxMs: 20 },
      saveIntervalMs: 1,
      ackIntervalMs: 5,
      ...(shared ? { connection: sharedByTabs } : {}),
      ...this.#case.client,
    };
    return createClient(options);
  }

  #handle(page: Page, number: number): void | Promise<void> {
    page.handed.push(number);
    if (this.#severWhenHanded[0] === page.handed.length) {
      this.#severWhenHanded.shift();
      this.#gateway.sever();
    }
    const { throwOn = [], holdOn = [] } = this.#case.handlers ?? {};
    if (throwOn.includes(number)) throw new Error('as the case says');
    if (holdOn.includes(number)) return new Promise((resolve) => void this.#release.push(resolve));
  }

  #giveToken(): string {
    this.#asked += 1;
    if (this.#token === 'fails') throw new Error('no token now');
    if (this.#token === 'unauthorized') throw new UnauthorizedError('signed out');
    return tokenFor({ tenant: 'acme', sub: this.#user });
  }

  /** What a page may find in its store: a position of a broken history, of another installation, of a restored backup. */
  #tamper(how: 'unreadable' | 'elsewhere' | 'ahead' | 'unknown' | 'anotherPartition'): void {
    for (const [key, value] of this.#store) {
      const cursor = parseCursor(value);
      if (!cursor) throw new Error(`not a position: ${value}`);
      const { epoch, partition, entryId } = cursor;
      const [time, sequence] = entryId.split('-') as [string, string];
      const others = {
        unreadable: 'something else',
        elsewhere: `elsewhere.${partition}.${entryId}`,
        ahead: `${epoch}.${partition}.99999999999999-7`,
        unknown: `${epoch}.${partition}.${Number(time) - 1}-${Number(sequence) + 7}`,
        anotherPartition: `${epoch}.${partition + 1}.${entryId}`,
      };
      this.#store.set(key, others[how]);
    }
  }
}

function gapsOf(page: Page): string[] {
  return page.replays.flatMap((replay) => (replay.status === 'gap' ? [replay.reason] : []));
}
