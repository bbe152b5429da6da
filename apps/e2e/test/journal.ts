import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { EntryId } from '@rejoin/protocol';
import { type ChildApp, eventually } from '@rejoin/testing';
import type { Client } from './client.ts';
import type { TestEvent } from './load.ts';
import type { System } from './system.ts';

const ENTRY = fileURLToPath(new URL('fixtures/publisher-process.mjs', import.meta.url));

/** A publisher as a process that may be killed, and the journal on disk that outlives it. */
export class JournalledPublisher {
  readonly #system: System;
  readonly #directory = mkdtempSync(join(tmpdir(), 'rejoin-e2e-'));
  readonly #env: Readonly<Record<string, string>>;
  #app: ChildApp | undefined;

  constructor(
    system: System,
    { tenants, perSecond }: { readonly tenants: readonly string[]; readonly perSecond: number },
  ) {
    this.#system = system;
    this.#env = { JOURNAL: join(this.#directory, 'journal'), TENANTS: tenants.join(), PER_SECOND: String(perSecond) };
    writeFileSync(this.#env.JOURNAL as string, '');
  }

  /** Starts it; what an earlier one left open is published again first. */
  async start(): Promise<void> {
    this.#app = await this.#system.startApp('publisher', this.#env, ENTRY);
  }

  async kill(): Promise<void> {
    await this.#system.kill(this.#app as ChildApp);
  }

  /** Lets it finish: everything in the journal is accepted then. */
  async finish(): Promise<void> {
    await this.#app?.stop();
  }

  /** What is known to be accepted now, in the order of the answers. */
  accepted(): readonly { readonly id: string; readonly entryId: EntryId }[] {
    return this.#lines().flatMap(({ accepted, entryId }) => (accepted && entryId ? [{ id: accepted, entryId }] : []));
  }

  /** Every event that was to be published, in that order. */
  events(): readonly TestEvent[] {
    return this.#lines().flatMap(({ intent }) => (intent ? [intent] : []));
  }

  /** Resolves when so many more are accepted than now. */
  async accept(count: number): Promise<void> {
    const before = this.accepted().length;
    // Each look reads the whole journal.
    await eventually(() => this.accepted().length >= before + count, { timeoutMs: 30_000, intervalMs: 50 });
  }

  /**
   * Lets it finish; resolves when every client was handed exactly its events, each once and in order, over however many
   * connections.
   * @throws Error where one was not, was told of a gap, or had nothing to be handed
   */
  async delivered(clients: readonly Client[]): Promise<void> {
    await this.finish();
    for (const client of clients) {
      const expected = this.expectedBy(client);
      if (expected.length === 0) throw new Error('nothing was published for this client');
      await client.delivered(expected, { timeoutMs: 30_000, intervalMs: 50 });
      const incomplete = client.replays.slice(1).filter(({ status }) => status !== 'complete');
      if (incomplete.length > 0) throw new Error(`resumed without everything: ${JSON.stringify(incomplete)}`);
    }
  }

  /** The ids of those that a client is to see. */
  expectedBy(client: Client): string[] {
    return this.events()
      .filter(({ tenant, audience }) => client.sees(tenant, audience))
      .map(({ id }) => id);
  }

  removeJournal(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #lines(): readonly JournalLine[] {
    // The last line may be half written.
    const lines = readFileSync(this.#env.JOURNAL as string, 'utf8')
      .split('\n')
      .slice(0, -1);
    return lines.map((line) => JSON.parse(line) as JournalLine);
  }
}

interface JournalLine {
  readonly intent?: TestEvent;
  readonly accepted?: string;
  readonly entryId?: EntryId;
}
