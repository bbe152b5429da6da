import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SeededRandom } from '@rejoin/testing';
import { type ChaosClient, OwnClient, StockClient } from './chaos-client.ts';
import { ChaosSystem } from './chaos-system.ts';
import { GROUP, TENANTS } from './event-kinds.ts';
import { type Breach, Referee } from './referee.ts';
import { Round } from './round.ts';

export interface ChaosOptions {
  readonly seed: number;
  readonly minutes: number;
  /** Ends the run early. */
  readonly signal?: AbortSignal;
  /** Told what is done, as it is done. */
  note(this: void, text: string): void;
}

/** For how long a round deals faults: coming to rest and judging take the rest of about a minute. */
const SPAN_MS = { least: 20_000, most: 40_000 } as const;

/**
 * Runs the whole system under chaos, in rounds. Every fault, its moment and its victim follow from the seed; how the processes'
 * work falls between them does not.
 * @returns the first broken guarantee, or `null`
 */
export async function runChaos({ seed, minutes, signal, note }: ChaosOptions): Promise<Breach | null> {
  const referee = new Referee();
  const directory = mkdtempSync(join(tmpdir(), 'rejoin-chaos-'));
  const random = new SeededRandom(seed);
  const startedMs = performance.now();
  const timed = (text: string): void =>
    note(`${((performance.now() - startedMs) / 1_000).toFixed(1).padStart(6)} s  ${text}`);
  const system = await ChaosSystem.start(referee);
  const clients = createClients(system, referee);
  let log: string[] = [];
  try {
    for (const client of clients) client.connect();
    timed(`running on Redis ${system.redis.version}: ${system.slots.map(({ name }) => name).join(', ')}`);
    const endMs = startedMs + minutes * 60_000;
    const spanMs = Math.min(SPAN_MS.most, Math.max(SPAN_MS.least, (minutes * 60_000) / 2));
    for (let number = 1; !referee.broken.aborted && !signal?.aborted && performance.now() < endMs; number++) {
      const round = new Round({
        system,
        clients,
        referee,
        random,
        number,
        seed,
        spanMs,
        directory,
        note: timed,
      });
      await round.run();
    }
  } finally {
    for (const client of clients) client.close();
    log = system.slots.flatMap((slot) => slot.log(400).map((line) => `${slot.name}: ${line}`));
    const problems = await system.stop();
    if (problems.length > 0 && !signal?.aborted) referee.report('G6', 'a process did not end well', { problems });
    rmSync(directory, { recursive: true, force: true });
  }
  const { breach } = referee;
  if (!breach) return null;
  const file = join(tmpdir(), `rejoin-chaos-${seed}.log`);
  writeFileSync(file, log.join('\n'));
  return { ...breach, evidence: { ...breach.evidence, log: file } };
}

/** Of each tenant a stock client and one of ours, of users who see different things; of the first two tenants a second device. */
function createClients(system: ChaosSystem, referee: Referee): ChaosClient[] {
  const { gatewayUrls, secret } = system;
  const common = { urls: gatewayUrls, secret, referee };
  return TENANTS.flatMap((tenant, index) => {
    const first = { ...common, tenant, user: 'u1', roles: [], watch: [], groups: [GROUP] };
    const second = { ...common, tenant, user: 'u2', roles: ['staff'], watch: ['order:1'], groups: [] };
    return [
      new StockClient({ ...first, name: `${tenant}/u1 stock` }),
      new OwnClient({ ...second, name: `${tenant}/u2 own` }),
      ...(index === 0 ? [new OwnClient({ ...first, name: `${tenant}/u1 own` })] : []),
      ...(index === 1 ? [new StockClient({ ...second, name: `${tenant}/u2 stock` })] : []),
    ];
  });
}
