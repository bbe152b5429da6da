import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { AudienceResolver, parseAudienceRules } from '@rejoin/audience';
import type { DomainEvent } from '@rejoin/protocol';
import {
  DeadLetterStore,
  EventReader,
  eventDigest,
  LeaseStore,
  listParked,
  type PartitionLease,
} from '@rejoin/streams';
import { eventually } from '@rejoin/testing';
import type { EventResolver } from '../src/retrying-resolver.ts';
import { expectDelivered, numbered, PARTITIONS, TENANT, TestInstallation } from './running-worker.ts';

const RETRIES = { firstDelayMs: 20, inPlaceMs: 30, maxAttempts: 3 };

let installation: TestInstallation;
beforeEach(async () => {
  installation = await TestInstallation.open();
});
afterEach(() => installation.close());

/** Fails for events whose id `fails` says, and notes whom it was asked for; the rules answer for all others. */
class FlakyResolver implements EventResolver {
  readonly asked: string[] = [];
  readonly #rules = new AudienceResolver({
    rules: parseAudienceRules({ rules: [{ type: '*', audience: ['tenant'] }] }, 'test'),
  });
  readonly #fails: (id: string) => boolean;
  readonly #isAsync: boolean;

  constructor(fails: (id: string) => boolean, isAsync = true) {
    this.#fails = fails;
    this.#isAsync = isAsync;
  }

  resolve(event: DomainEvent) {
    this.asked.push(event.id);
    if (!this.#fails(event.id)) return this.#rules.resolve(event);
    const error = new Error('the directory of customers is away');
    if (this.#isAsync) return Promise.reject(error);
    throw error;
  }
}

function deliveredIds(): Promise<string[]> {
  return installation.feed().then((feed) => feed.map(({ event }) => event.id));
}

describe('an event whose audience cannot be resolved for now', () => {
  test('is tried again where it stands, so that the order is kept', async () => {
    let failures = 2;
    const resolver = new FlakyResolver((id) => id === 'e2' && failures-- > 0);
    const worker = await installation.startWorker({ resolver, retries: { ...RETRIES, inPlaceMs: 5_000 } });
    await installation.append(...numbered(5));
    await eventually(async () => expectDelivered(await installation.feed(), numbered(5)));
    expect(worker.counters.parked).toBe(0);
  });

  test.each([true, false])('G3 is parked then, and takes the place of its re-append (async: %s)', async (isAsync) => {
    let isDown = true;
    const resolver = new FlakyResolver((id) => isDown && id === 'e2', isAsync);
    const worker = await installation.startWorker({ resolver, retries: { ...RETRIES, maxAttempts: 20 } });
    const ids = await installation.append(...numbered(5));
    await eventually(async () => expect(await deliveredIds()).toEqual(['e0', 'e1', 'e3', 'e4']));
    expect(await installation.client.xpending(installation.home.events, 'bridge')).toEqual([0, null, null, null]);
    isDown = false;
    await eventually(async () => expect(await deliveredIds()).toEqual(['e0', 'e1', 'e3', 'e4', 'e2']));
    const last = (await installation.feed()).at(-1);
    expect(last?.entryId).not.toBe(ids[2]);
    expect(worker.counters.duplicates).toBe(0);
    expect(await listParked(installation.client, installation.home)).toEqual([]);
    const digest = eventDigest(TENANT, 'test', 'e2');
    expect(await installation.client.hget(installation.home.seen, digest)).toBe(last?.entryId);
  });

  test('is dead-lettered after its last attempt, with all that is known of it', async () => {
    const resolver = new FlakyResolver((id) => id === 'e1');
    const worker = await installation.startWorker({ resolver, retries: RETRIES });
    const ids = await installation.append(...numbered(3));
    const letters = await eventually(async () => {
      const found = await installation.deadLetters();
      return found.length > 0 ? found : null;
    });
    expect(letters).toMatchObject([
      {
        code: 'RESOLVER_FAILED',
        eventId: 'e1',
        attempts: 3,
        message: expect.stringContaining('directory of customers'),
      },
    ]);
    expect(letters[0]?.entryId).not.toBe(ids[1]);
    expect(await deliveredIds()).toEqual(['e0', 'e2']);
    expect(worker.counters).toMatchObject({ parked: 2, released: 2, dead: 1 });
  });

  test('begins a round of its own when it is redriven', async () => {
    let isDown = true;
    const resolver = new FlakyResolver((id) => isDown && id === 'e0');
    await installation.startWorker({ resolver, retries: { firstDelayMs: 300, inPlaceMs: 0, maxAttempts: 2 } });
    await installation.append(...numbered(1));
    const store = new DeadLetterStore(installation.client, installation.keys, PARTITIONS);
    const [letter] = await eventually(async () => {
      const { items } = await store.list();
      return items.length > 0 ? items : null;
    });
    await store.redrive([letter as { partition: number; entryId: string }]);
    await eventually(async () => {
      const [parked] = await listParked(installation.client, installation.home);
      expect(parked).toMatchObject({ eventId: 'e0', attempt: expect.any(Number), round: 3 });
    });
    isDown = false;
    await eventually(async () => expectDelivered(await installation.feed(), numbered(1)));
  });

  test('that was published again in the meantime is handed on once', async () => {
    let isDown = true;
    const resolver = new FlakyResolver((id) => isDown && id === 'e0');
    const worker = await installation.startWorker({ resolver, retries: { ...RETRIES, firstDelayMs: 500 } });
    await installation.append(...numbered(1));
    await eventually(() => expect(worker.counters.parked).toBe(1));
    isDown = false;
    // As by XADD: nobody looked for duplicates.
    const [again] = await installation.append(...numbered(1));
    await installation.handled(again as string);
    await eventually(async () => expect(await listParked(installation.client, installation.home)).toEqual([]));
    expectDelivered(await installation.feed(), numbered(1));
    expect(worker.counters.released).toBe(0);
  });
});

describe('a resolver that is down', () => {
  test('is not waited for: its events are parked at once, others pass, and it is asked again after a rest', async () => {
    let isDown = true;
    const resolver = new FlakyResolver((id) => isDown && id.startsWith('slow'));
    await installation.startWorker({ resolver, retries: { ...RETRIES, inPlaceMs: 100, maxAttempts: 100 } });
    await installation.append(
      ...numbered(300, 'slow', { type: 'slow.event', audience: undefined as never }),
      ...numbered(20, 'fine'),
    );
    await eventually(async () => expect(await deliveredIds()).toHaveLength(20));
    // The first page's share was asked before it was known to be down.
    expect(resolver.asked.filter((id) => id.startsWith('slow')).length).toBeLessThan(300);
    isDown = false;
    await eventually(async () => expect(await deliveredIds()).toHaveLength(320), { timeoutMs: 20_000 });
  });

  test('costs the events that are parked meanwhile no attempt of theirs', async () => {
    let isDown = true;
    const resolver = new FlakyResolver((id) => isDown && id !== 'fine');
    const retries = { firstDelayMs: 60_000, inPlaceMs: 0, maxAttempts: 3 };
    await installation.startWorker({ resolver, retries });
    const { client, home } = installation;
    let published = 0;
    const untried = await eventually(
      async () => {
        // The first ones open the breaker; later ones may be its probes, whose rests get longer and longer.
        const event = { id: `e${published++}`, type: 'slow.event', audience: undefined as never };
        await installation.handled((await installation.append(event))[0] as string);
        const parked = await listParked(client, home, { limit: published });
        return parked.find(({ eventId }) => !resolver.asked.includes(eventId)) ?? null;
      },
      { timeoutMs: 20_000 },
    );
    expect(untried).toMatchObject({ code: 'RESOLVER_FAILED', attempt: 0, round: 1, postponed: 1 });
    for (const { eventId, attempt } of await listParked(client, home, { limit: published })) {
      if (resolver.asked.includes(eventId)) expect(attempt).toBe(1);
    }
    await client.zadd(home.parkedOrder, 'XX', 1, untried.entryId);
    // It comes back, as its first attempt still, and is the probe or is put aside once more.
    const again = await eventually(
      async () => {
        const parked = await listParked(client, home, { limit: published });
        return (
          parked.find(({ eventId, entryId }) => eventId === untried.eventId && entryId !== untried.entryId) ?? null
        );
      },
      { timeoutMs: 20_000 },
    );
    const wasProbe = resolver.asked.includes(untried.eventId);
    expect(again).toMatchObject({ attempt: wasProbe ? 1 : 0, round: 1, postponed: wasProbe ? 1 : 2 });
    isDown = false;
  });
});

describe('parked events', () => {
  test('are bounded: beyond it the partition waits, and nothing is lost', async () => {
    let isDown = true;
    const resolver = new FlakyResolver((id) => isDown && id.startsWith('slow'));
    const retries = { ...RETRIES, firstDelayMs: 60_000, maxParked: 3, inPlaceMs: 0 };
    await installation.startWorker({ resolver, retries, bounds: { maxEntries: 1 } });
    await installation.append(...numbered(10, 'slow', { type: 'slow.event' }), { id: 'behind' });
    const { client, home } = installation;
    await eventually(async () => expect(await client.zcard(home.parkedOrder)).toBeGreaterThanOrEqual(3));
    expect(await deliveredIds()).toEqual([]);
    isDown = false;
    // They are due at once now.
    const due = async (): Promise<void> => {
      for (const id of await client.zrange(home.parkedOrder, '0', '-1'))
        await client.zadd(home.parkedOrder, 'XX', 1, id);
    };
    await eventually(
      async () => {
        await due();
        expect(await deliveredIds()).toHaveLength(11);
      },
      { timeoutMs: 20_000 },
    );
  });
});

describe('an event that ends its worker', () => {
  /** A worker that took everything and ended when it ran one entry by itself. */
  async function dieOf(entryId: string, partition = installation.home): Promise<void> {
    const { client, keys } = installation;
    const store = new LeaseStore(client, keys, 60_000);
    const lease = (await store.acquire(partition.partition)) as PartitionLease;
    const reader = new EventReader(client, partition, lease.token);
    await reader.start();
    await reader.take(500);
    await reader.recordTrial(entryId);
    await store.release(lease);
  }

  test('is dead-lettered after some workers, and its batch mates arrive', async () => {
    const ids = await installation.append(...numbered(4));
    for (let death = 0; death < 5; death++) await dieOf(ids[0] as string);
    await installation.startWorker();
    await installation.handled(ids[3] as string);
    expect(await installation.deadLetters()).toMatchObject([{ entryId: ids[0], code: 'WORKER_DIED', attempts: 5 }]);
    expectDelivered(await installation.feed(), numbered(4).slice(1));
  });

  test('is on trial alone: what other partitions left is not counted meanwhile', async () => {
    const { client, home, keys } = installation;
    const other = keys.partition((home.partition + 1) % PARTITIONS);
    const tenantid = installation.tenantOf(other.partition);
    const [suspect] = await installation.append({ id: 'suspect' });
    const [innocent] = await installation.append({ id: 'innocent', tenantid });
    await dieOf(suspect as string);
    await dieOf(innocent as string, other);
    const asked: string[] = [];
    let answer = (): void => undefined;
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const rules = new AudienceResolver();
    await installation.startWorker({
      resolver: {
        async resolve(event: DomainEvent) {
          if (event.id === 'witness') return rules.resolve(event);
          asked.push(event.id);
          await answered;
          return rules.resolve(event);
        },
      },
    });
    await eventually(() => asked.length > 0);
    const trials = async (): Promise<number> => {
      const counts = await Promise.all([home, other].map(({ trial }) => client.hget(trial, 'count')));
      return counts.reduce((sum, count) => sum + Number(count), 0);
    };
    // Both partitions are owned, and one of them waits for its turn.
    await eventually(async () => expect(await client.exists(home.lease, other.lease)).toBe(2));
    const third = keys.partition((home.partition + 2) % PARTITIONS);
    for (let n = 0; n < 3; n++) {
      const witness = { id: 'witness', source: `w${n}`, tenantid: installation.tenantOf(third.partition) };
      await installation.handled((await installation.append(witness))[0] as string, third);
    }
    const whileFirst = { trials: await trials(), asked: asked.length };
    answer();
    expect(whileFirst).toEqual({ trials: 1 + 2, asked: 1 });
    await installation.handled(suspect as string);
    await installation.handled(innocent as string, other);
    expect(await trials()).toBe(2 + 2);
  });

  test('is run again before that', async () => {
    const ids = await installation.append(...numbered(4));
    for (let death = 0; death < 4; death++) await dieOf(ids[0] as string);
    await installation.startWorker();
    await installation.handled(ids[3] as string);
    expectDelivered(await installation.feed(), numbered(4));
  });
});

/** Whoever looks at it fails. */
const DEFECTIVE = {
  rooms: [],
  get ok(): true {
    throw new TypeError('a defect');
  },
};

test('a defect of the worker’s own stops nobody: the event is dead-lettered with its stack', async () => {
  const rules = new AudienceResolver();
  const resolver = {
    resolve(event: DomainEvent) {
      return event.id === 'e1' ? DEFECTIVE : rules.resolve(event);
    },
  };
  await installation.startWorker({ resolver, retries: RETRIES });
  const ids = await installation.append(...numbered(3));
  await installation.handled(ids[2] as string);
  expect(await installation.deadLetters()).toMatchObject([{ code: 'UNEXPECTED_FAILURE', eventId: 'e1' }]);
  expectDelivered(await installation.feed(), [{ id: 'e0' }, { id: 'e2' }]);
});
