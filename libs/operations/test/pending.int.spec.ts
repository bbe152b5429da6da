import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type DomainEvent, partitionOf } from '@rejoin/protocol';
import { CONSUMER, GROUP, type PartitionKeys } from '@rejoin/redis';
import {
  DeadLetterStore,
  deadLetterRecord,
  EventReader,
  parkedRecord,
  releaseParked,
  writeDeadLetter,
} from '@rejoin/streams';
import type { FeedWriter } from '@rejoin/testing';
import { OperationsSystem } from './operations-system.ts';

const ALL = { user: 'olga', tenant: null };
const FAILURE = { code: 'RESOLVER_FAILED', message: 'the directory is away' } as const;

let system: OperationsSystem;
let writer: FeedWriter;
let keys: PartitionKeys;

beforeEach(async () => {
  system = new OperationsSystem();
  writer = await system.writer('acme');
  keys = system.keys.partition(partitionOf('acme', 8));
});

afterEach(() => system.close());

function eventNamed(id: string): DomainEvent {
  return { specversion: '1.0', id, source: '/orders', type: 'order.paid', tenantid: 'acme', data: {} };
}

/** Takes what is new, as the worker does. */
async function take(): Promise<void> {
  await system.client.xreadgroup('GROUP', GROUP, CONSUMER, 'COUNT', 100, 'STREAMS', keys.events, '>');
}

async function pending() {
  return (await system.operations.pending.list(ALL, keys.partition)).items;
}

describe('a pending entry', () => {
  it('that is an event’s first is not known to have failed', async () => {
    await system.client.xadd(keys.events, '*', 'event', JSON.stringify(eventNamed('e-1')));
    await take();
    expect(await pending()).toMatchObject([{ eventId: 'e-1', attempt: null, trials: null, lastError: null }]);
  });

  it('says which attempt of a parked event it is, and why the one before failed', async () => {
    const [item] = await writer.take([{ id: 'e-1', rooms: [] }]);
    const { entryId } = item as { entryId: string };
    const event = eventNamed('e-1');
    const attempts = { attempt: 2, round: 1, firstFailedAtMs: 1_000 };
    const times = { failedAtMs: 2_000, dueAtMs: 3_000 };
    const record = parkedRecord({ entryId, text: JSON.stringify(event), event, ...FAILURE, attempts, ...times });
    await writer.fanOut([{ kind: 'park', entryId, record, dueAtMs: times.dueAtMs }]);
    await releaseParked(system.client, keys, Date.now());
    await take();
    const lastError = 'RESOLVER_FAILED: the directory is away';
    expect(await pending()).toMatchObject([{ eventId: 'e-1', attempt: 3, trials: null, lastError }]);
  });

  it('says what a redriven dead letter died of', async () => {
    const failure = { ...FAILURE, message: 'x'.repeat(2_000), failedAtMs: 2_000 };
    const parsed = eventNamed('e-2');
    const record = deadLetterRecord({ entryId: '1-0', event: JSON.stringify(parsed), parsed, ...failure });
    const pipeline = system.client.pipeline();
    writeDeadLetter(pipeline, keys, { entryId: '1-0', record, failedAtMs: 2_000 });
    await pipeline.exec();
    const store = new DeadLetterStore(system.client, system.keys, 8);
    await store.redrive([{ partition: keys.partition, entryId: '1-0' }]);
    await take();
    const [entry] = await pending();
    expect(entry).toMatchObject({ eventId: 'e-2', attempt: 2 });
    expect(entry?.lastError).toMatch(/^RESOLVER_FAILED: x+$/);
    expect(entry?.lastError).toHaveLength(500);
  });

  it('says how often heirs of its owner began with it; its neighbours were not', async () => {
    for (const id of ['e-1', 'e-2'])
      await system.client.xadd(keys.events, '*', 'event', JSON.stringify(eventNamed(id)));
    await take();
    const [first] = await pending();
    const reader = new EventReader(system.client, keys, writer.token);
    for (let death = 0; death < 3; death++) await reader.recordTrial(first?.entryId as string);
    expect(await pending()).toMatchObject([
      { eventId: 'e-1', trials: 3, lastError: null },
      { eventId: 'e-2', trials: null },
    ]);
  });

  it('takes no publisher’s word for an attempt that never was', async () => {
    const forged = ['attempt', '-1', 'last-failure', 'RESOLVER_FAILED: made up'];
    await system.client.xadd(keys.events, '*', 'event', JSON.stringify(eventNamed('e-1')), ...forged);
    await take();
    expect(await pending()).toMatchObject([{ attempt: null, lastError: null }]);
  });
});
