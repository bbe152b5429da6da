import { setTimeout as delay } from 'node:timers/promises';
import type { TcpProxy } from '@rejoin/testing';
import type { ChaosClient } from './chaos-client.ts';
import type { ChaosSystem } from './chaos-system.ts';
import { TENANTS } from './event-kinds.ts';
import type { Ledger } from './ledger.ts';
import { FATAL_POISON, POISON_KINDS } from './poison-kinds.ts';
import type { ProcessSlot } from './process-slot.ts';
import type { Producers } from './producers.ts';
import type { FaultKind, PlannedFault } from './schedule.ts';

export interface FaultContext {
  readonly system: ChaosSystem;
  readonly clients: readonly ChaosClient[];
  readonly producers: Producers;
  readonly ledger: Ledger;
  /** The publisher's environment, for one that is started again. */
  readonly publisherEnv: Readonly<Record<string, string>>;
}

interface Injection {
  /** Whom it hits; '' where that says nothing. */
  readonly target: string;
  /** Resolves when it is over and everything that it took is there again. */
  run(): Promise<void>;
}

type Injector = (context: FaultContext, fault: PlannedFault) => Injection;

const FLOOD_EVENTS = 2_000;
const FLOOD_BATCH = 500;
const pick = <Item>(items: readonly Item[], { target }: PlannedFault): Item => items[target % items.length] as Item;

function killed(slot: ProcessSlot, { forMs }: PlannedFault, env = {}): Injection {
  return {
    target: slot.name,
    run: () =>
      slot.exclusively(async () => {
        await slot.kill();
        await delay(forMs);
        await slot.start(env);
      }),
  };
}

function frozen(slot: ProcessSlot, { forMs }: PlannedFault): Injection {
  return {
    target: slot.name,
    run: () =>
      slot.exclusively(async () => {
        slot.signal('SIGSTOP');
        try {
          await delay(forMs);
        } finally {
          slot.signal('SIGCONT');
        }
      }),
  };
}

/** One after the other, as a deployment does. */
function rolled(slots: readonly ProcessSlot[]): Injection {
  return {
    target: '',
    async run() {
      for (const slot of slots) {
        await slot.exclusively(async () => {
          await slot.stop();
          await slot.start();
        });
      }
    },
  };
}

/** By how much a clock goes wrong at most, in milliseconds. */
const MAX_SKEW_MS = 20_000;
const SKEWED_CLOCK = new URL('./skewed-clock.js', import.meta.url).href;

/** A worker whose clock is ahead or behind, for a while. */
function skewed(slot: ProcessSlot, { target, forMs }: PlannedFault): Injection {
  const skewMs = (target % 2 === 0 ? 1 : -1) * (1_000 + ((target * 997) % MAX_SKEW_MS));
  return {
    target: `${slot.name} by ${(skewMs / 1_000).toFixed(1)} s`,
    async run() {
      const restore = slot.override({ NODE_OPTIONS: `--import=${SKEWED_CLOCK}`, CLOCK_SKEW_MS: String(skewMs) });
      await rolled([slot]).run();
      await delay(forMs);
      restore();
      await rolled([slot]).run();
    },
  };
}

/** Half of the clients, by the fault's target, stay away while something is done. */
async function whileAway(clients: readonly ChaosClient[], work: () => Promise<void>): Promise<void> {
  for (const client of clients) client.disconnect();
  await work();
  for (const client of clients) client.connect();
}

const halfOf = (clients: readonly ChaosClient[], { target }: PlannedFault): ChaosClient[] =>
  clients.filter((_, index) => (index + target) % 2 === 0);

/** Workers that keep less, for a while in which half of the clients are away and miss what is not kept. */
function trimmed(
  { system, clients }: FaultContext,
  fault: PlannedFault,
  env: Readonly<Record<string, string>>,
): Injection {
  const away = halfOf(clients, fault);
  return {
    target: `${Object.values(env).join()}, ${away.length} clients away`,
    async run() {
      // Also where one of them dies meanwhile.
      const restore = system.workers.map((worker) => worker.override(env));
      await whileAway(away, async () => {
        await rolled(system.workers).run();
        await delay(fault.forMs);
      });
      for (const undo of restore) undo();
      await rolled(system.workers).run();
    },
  };
}

/** Something that the way to Redis of one process does, until it is healed. */
function disturbed(slot: ProcessSlot, { forMs }: PlannedFault, disturb: (proxy: TcpProxy) => void): Injection {
  return {
    target: slot.name,
    run: () => disturbedProxy(slot.redis, forMs, disturb),
  };
}

async function disturbedProxy(proxy: TcpProxy, forMs: number, disturb: (proxy: TcpProxy) => void): Promise<void> {
  disturb(proxy);
  await delay(forMs);
  proxy.resume();
}

const once = (target: string, act: () => unknown): Injection => ({
  target,
  async run() {
    await act();
  },
});

/** How each fault is brought about. */
export const INJECTORS: Readonly<Record<FaultKind, Injector>> = {
  'kill-worker': ({ system }, fault) => killed(pick(system.workers, fault), fault),
  'kill-gateway': ({ system }, fault) => killed(pick(system.gateways, fault), fault),
  'kill-publisher': ({ system, publisherEnv }, fault) => killed(system.publisher, fault, publisherEnv),
  'kill-ops': ({ system }, fault) => killed(system.ops, fault),
  'freeze-worker': ({ system }, fault) => frozen(pick(system.workers, fault), fault),
  'freeze-gateway': ({ system }, fault) => frozen(pick(system.gateways, fault), fault),
  'skew-worker': ({ system }, fault) => skewed(pick(system.workers, fault), fault),
  'roll-workers': ({ system }) => rolled(system.workers),
  'roll-gateways': ({ system }) => rolled(system.gateways),
  'kill-redis': ({ system }, { forMs }) => ({
    target: '',
    run: () =>
      system.withRedis(async (redis) => {
        await redis.kill();
        await delay(forMs);
        await redis.restart();
      }),
  }),
  'freeze-redis': ({ system }, { forMs }) => ({
    target: '',
    run: () =>
      system.withRedis(async (redis) => {
        redis.pause();
        await delay(forMs);
        redis.continue();
      }),
  }),
  delay: ({ system }, fault) =>
    disturbed(pick(system.slots, fault), fault, (proxy) => proxy.delay(20 + (fault.target % 100))),
  cut: ({ system }, fault) => disturbed(pick(system.slots, fault), fault, (proxy) => proxy.cut()),
  'black-hole': ({ system }, fault) => disturbed(pick(system.slots, fault), fault, (proxy) => proxy.blackHole()),
  silence: ({ system }, fault) => disturbed(pick(system.slots, fault), fault, (proxy) => proxy.stall()),
  'lose-replies': ({ system }, fault) => disturbed(pick(system.slots, fault), fault, (proxy) => proxy.drop('replies')),
  'lose-requests': ({ system }, fault) =>
    disturbed(pick(system.slots, fault), fault, (proxy) => proxy.drop('requests')),
  'trim-age': (context, fault) => trimmed(context, fault, { REPLAY_WINDOW: '1s' }),
  'trim-count': (context, fault) => trimmed(context, fault, { REPLAY_MAX_PER_ROOM: '10' }),
  'trim-bytes': (context, fault) => trimmed(context, fault, { REPLAY_MAX_BYTES: '20kb' }),
  flood: ({ producers, ledger }, fault) => {
    const tenant = pick(TENANTS, fault);
    const batches = Array.from({ length: FLOOD_EVENTS / FLOOD_BATCH });
    return once(`${FLOOD_EVENTS} events of ${tenant}`, () =>
      Promise.all(batches.map(() => producers.publishOverHttp(ledger, FLOOD_BATCH, tenant))),
    );
  },
  poison: ({ producers, ledger }) =>
    once(`of ${POISON_KINDS.length} kinds`, async () => {
      for (const kind of POISON_KINDS) await producers.poison(ledger, kind);
    }),
  'fatal-event': ({ system, producers, ledger }) =>
    once('', async () => {
      system.isFatalEventUnderWay = true;
      await producers.poison(ledger, FATAL_POISON);
    }),
  'clock-jump': ({ producers, ledger }, { forMs }) => once('ahead', () => producers.jumpAhead(ledger, forMs)),
  duplicate: ({ producers, ledger }) => once('', () => producers.repeat(ledger)),
  'client-cut': ({ system }) =>
    once('all', () => {
      for (const { front } of system.gateways) front?.cut();
    }),
  'client-hop': ({ clients }) =>
    once('all', () => {
      for (const client of clients) client.hop();
    }),
  'client-away': ({ clients }, fault) => {
    const away = halfOf(clients, fault);
    return { target: `${away.length} clients`, run: () => whileAway(away, () => delay(fault.forMs)) };
  },
  'client-black-hole': ({ system }, fault) => {
    const { name, front } = pick(system.gateways, fault);
    return { target: name, run: () => disturbedProxy(front as TcpProxy, fault.forMs, (proxy) => proxy.blackHole()) };
  },
};
