import 'reflect-metadata';
import { describe, expect, test } from '@jest/globals';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventEmitter2, EventEmitterModule, OnEvent } from '@nestjs/event-emitter';
import { partitionOf } from '@rejoin/protocol';
import { keyspace } from '@rejoin/redis';
import { eventually } from '@rejoin/testing';
import { PUBLISH_FAILED, type PublishFailure, PublishingModule } from '../src/index.ts';
import {
  Application,
  apps,
  behindProxy,
  client,
  codesOf,
  countTo,
  create,
  failures,
  forwarding,
  logged,
  numberOf,
  numbersOf,
  optionsWith,
  PARTITIONS,
  PATTERNS,
  prefix,
  proxy,
  stored,
  typesOf,
} from './publishing-applications.ts';

describe('forwarding', () => {
  test('publishes what is emitted under a name: the type is the name, the data the payload', async () => {
    const { emitter } = await forwarding({ forward: [{ on: 'order.paid' }] }, EventEmitterModule.forRoot());
    emitter.emit('order.paid', { tenantId: 'acme', subject: 991, amount: 5 });
    emitter.emit('order.placed', { tenantId: 'acme' });
    await eventually(async () => expect(await stored()).toHaveLength(1));
    const [event] = await stored();
    expect(event).toEqual({
      specversion: '1.0',
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      source: '/orders',
      type: 'order.paid',
      tenantid: 'acme',
      subject: '991',
      time: expect.any(String),
      data: { tenantId: 'acme', subject: 991, amount: 5 },
    });
    expect(Math.abs(Date.parse(event?.time as string) - Date.now())).toBeLessThan(60_000);
  });

  test('knows patterns as EventEmitter2 does', async () => {
    const { emitter } = await forwarding({ forward: [{ on: 'order.*' }, { on: 'stock.**' }] });
    for (const name of ['order.paid', 'order', 'order.item.added', 'other.paid', 'stock.item.added', 'stock']) {
      emitter.emit(name, { tenantId: 'acme' });
    }
    emitter.emit(['order', 'shipped'], { tenantId: 'acme' });
    await emitter.emitAsync('order.closed', { tenantId: 'acme' });
    await eventually(async () => expect(await stored()).toHaveLength(5));
    expect(await typesOf()).toEqual(['order.paid', 'stock.item.added', 'stock', 'order.shipped', 'order.closed']);
  });

  test('names events by the emitter’s own delimiter', async () => {
    const emitters = EventEmitterModule.forRoot({ wildcard: true, delimiter: ':' });
    const { emitter } = await forwarding({ forward: [{ on: 'order:*' }] }, emitters);
    emitter.emit('order:paid', { tenantId: 'acme' });
    emitter.emit(['order', 'shipped'], { tenantId: 'acme' });
    await eventually(async () => expect(await typesOf()).toEqual(['order:paid', 'order:shipped']));
  });

  test('maps as the rule says: another event, several, or none', async () => {
    const { emitter } = await forwarding({
      forward: [
        {
          on: 'order.*',
          toEvent: ({ order, secret }: { order: string; secret?: string }, name) =>
            secret
              ? null
              : { tenantid: 'acme', id: `${name}-${order}`, subject: order, audience: 'tenant', data: { order } },
        },
        {
          on: 'cart.emptied',
          toEvent: (items: string[]) =>
            items.map((item) => ({ tenantid: 'acme', type: 'item.removed', source: '/carts', subject: item })),
        },
      ],
    });
    emitter.emit('order.paid', { order: '991' });
    emitter.emit('order.audited', { order: '991', secret: 'yes' });
    emitter.emit('cart.emptied', ['a', 'b']);
    await eventually(async () => expect(await stored()).toHaveLength(3));
    const [paid, ...removed] = await stored();
    expect(paid).toMatchObject({ id: 'order.paid-991', source: '/orders', audience: 'tenant', data: { order: '991' } });
    expect(removed.map(({ type, source, subject }) => [type, source, subject])).toEqual([
      ['item.removed', '/carts', 'a'],
      ['item.removed', '/carts', 'b'],
    ]);
    expect(failures).toEqual([]);
  });

  test('publishes what the payload was when it was emitted', async () => {
    const { emitter } = await forwarding({ forward: [{ on: 'order.paid' }] });
    const payload = { tenantId: 'acme', state: 'paid' };
    emitter.on('order.paid', () => {
      payload.state = 'changed by another listener';
      payload.tenantId = 'globex';
    });
    emitter.emit('order.paid', payload);
    await eventually(async () => expect(await stored()).toHaveLength(1));
    expect((await stored())[0]?.data).toEqual({ tenantId: 'acme', state: 'paid' });
  });

  test('keeps each tenant’s order, and loses and doubles nothing, while connections break again and again', async () => {
    const { url } = await behindProxy();
    const { emitter } = await forwarding({ redis: url, forward: [{ on: 'order.*' }] });
    const tenants = ['acme', 'globex', 'initech'];
    for (const n of countTo(600)) {
      for (const tenantId of tenants) emitter.emit('order.paid', { tenantId, n });
      if (n % 60 === 0) await eventually(async () => (await stored()).length > n / 2);
      if (n % 100 === 50) proxy?.cut();
      if (n === 320) {
        const lost = proxy?.loseReplyTo('"n":321');
        emitter.emit('order.paid', { tenantId: 'hooli', n: 321 });
        await lost;
      }
    }
    await eventually(
      async () => {
        for (const tenant of tenants) expect((await numbersOf(tenant)).length).toBeGreaterThanOrEqual(600);
      },
      { timeoutMs: 15_000 },
    );
    for (const tenant of tenants) expect(await numbersOf(tenant)).toEqual(countTo(600));
    expect(await numbersOf('hooli')).toEqual([321]);
    expect(failures).toEqual([]);
  });

  test('a tenant whose partition is full waits, in its order; others do not', async () => {
    const { emitter } = await forwarding({ maxBacklog: 2, forward: [{ on: 'order.*' }] });
    for (const n of countTo(2)) emitter.emit('order.paid', { tenantId: 'acme', n });
    await eventually(async () => expect(await numbersOf()).toEqual([0, 1]));
    for (const n of [2, 3]) emitter.emit('order.paid', { tenantId: 'acme', n });
    emitter.emit('order.paid', { tenantId: 'globex', n: 0 });
    await eventually(async () => expect(await numbersOf('globex')).toEqual([0]));
    expect(await numbersOf()).toEqual([0, 1]);
    // A worker has handled what was there.
    await client.set(keyspace(prefix).partition(partitionOf('acme', PARTITIONS)).handled, '2');
    await eventually(async () => expect(await numbersOf()).toEqual([0, 1, 2, 3]), { timeoutMs: 10_000 });
    expect(failures).toEqual([]);
  });
});

describe('an event that cannot be published', () => {
  const cyclic: Record<string, unknown> = { tenantId: 'acme' };
  cyclic.self = cyclic;
  test.each<[string, unknown, string]>([
    ['has no tenant', { n: 1 }, 'INVALID_EVENT'],
    ['has no payload', undefined, 'INVALID_EVENT'],
    ['is no JSON', { tenantId: 'acme', n: 1n }, 'INVALID_EVENT'],
    ['is cyclic', cyclic, 'INVALID_EVENT'],
    ['is too large', { tenantId: 'acme', text: 'x'.repeat(65_536) }, 'EVENT_TOO_LARGE'],
    ['cannot be mapped', { fault: 'thrown' }, 'EVENT_MAPPING_FAILED'],
    ['is mapped asynchronously', { fault: 'rejected' }, 'EVENT_MAPPING_FAILED'],
  ])('because it %s is reported once, in every way, and stops no other', async (_, payload, code) => {
    const emitted: PublishFailure[] = [];
    @Injectable()
    class Listener {
      @OnEvent(PUBLISH_FAILED)
      onFailed(failure: PublishFailure): void {
        emitted.push(failure);
      }
    }
    @Module({ providers: [Listener] })
    class ListenerModule {}
    const faulty = (given: { fault?: string }) => {
      if (given.fault === 'thrown') throw new Error('a fault');
      return Promise.reject(new Error('a fault')) as never;
    };
    const rules = [{ on: 'order.*' }, { on: 'faulty', toEvent: faulty }];
    const options = optionsWith({ forward: rules });
    const app = await create(PATTERNS, PublishingModule.forRoot(options), { module: ListenerModule });
    const emitter = app.get(EventEmitter2);
    const name = code === 'EVENT_MAPPING_FAILED' ? 'faulty' : 'order.paid';
    expect(() => emitter.emit(name, payload)).not.toThrow();
    emitter.emit('order.paid', { tenantId: 'acme', n: 2 });
    await eventually(async () => expect(await numbersOf()).toEqual([2]));
    expect(codesOf(failures)).toEqual([code]);
    expect(failures[0]).toMatchObject({ name, payload });
    expect(emitted).toEqual(failures);
    expect(logged).toEqual([expect.stringContaining(code)]);
  });

  test('is not forwarded as a failure, even where everything is', async () => {
    const { emitter } = await forwarding({ forward: [{ on: '**' }] });
    emitter.emit('order.paid', { n: 1 });
    emitter.emit('order.paid', { tenantId: 'acme', n: 2 });
    await eventually(async () => expect(await typesOf()).toEqual(['order.paid']));
    expect(failures).toHaveLength(1);
  });

  test('is reported though listeners and hooks fail', async () => {
    const { emitter } = await forwarding({
      forward: [{ on: 'order.*' }],
      onPublishFailed: async (failure) => {
        failures.push(failure);
        await Promise.reject(new Error('a fault of the hook'));
      },
    });
    emitter.on(PUBLISH_FAILED, () => {
      throw new Error('a fault of the listener');
    });
    expect(() => emitter.emit('order.paid', {})).not.toThrow();
    await eventually(() => expect(logged).toHaveLength(3));
    expect(logged).toEqual(expect.arrayContaining(['onPublishFailed threw', `a listener of ${PUBLISH_FAILED} threw`]));
  });

  test('because Redis refuses it for good is reported, with the event', async () => {
    const { emitter } = await forwarding({ forward: [{ on: 'order.*' }] });
    await client.set(keyspace(prefix).partition(partitionOf('acme', PARTITIONS)).events, 'no stream');
    emitter.emit('order.paid', { tenantId: 'acme', n: 1 });
    await eventually(() => expect(codesOf(failures)).toEqual(['STREAM_UNAVAILABLE']));
    expect(failures[0]).toMatchObject({ name: 'order.paid', event: { id: expect.any(String), data: { n: 1 } } });
  });
});

describe('while Redis is away', () => {
  test('a bounded number of events waits; the newest are reported; the others come in their order', async () => {
    const { url } = await behindProxy();
    const bounds = { maxQueuedEvents: 50 };
    const { emitter } = await forwarding({ redis: url, forward: [{ on: 'order.*' }], forwarding: bounds });
    proxy?.refuse();
    for (const n of countTo(60)) emitter.emit('order.paid', { tenantId: 'acme', n });
    expect(codesOf(failures)).toEqual(Array.from({ length: 10 }, () => 'FORWARD_QUEUE_FULL'));
    expect(failures.map(({ event }) => numberOf(event))).toEqual(countTo(60).slice(50));
    // One line says it for all ten.
    expect(logged).toHaveLength(1);
    proxy?.resume();
    await eventually(async () => expect(await numbersOf()).toEqual(countTo(50)));
    emitter.emit('order.paid', { tenantId: 'acme', n: 50 });
    await eventually(async () => expect(await numbersOf()).toEqual(countTo(51)));
    expect(failures).toHaveLength(10);
  });

  test('their bytes are bounded too', async () => {
    const { url } = await behindProxy();
    const bounds = { maxQueuedBytes: 100_000 };
    const { emitter } = await forwarding({ redis: url, forward: [{ on: 'order.*' }], forwarding: bounds });
    proxy?.refuse();
    for (const n of countTo(3)) emitter.emit('order.paid', { tenantId: 'acme', n, text: 'x'.repeat(40_000) });
    expect(codesOf(failures)).toEqual(['FORWARD_QUEUE_FULL']);
    proxy?.resume();
    await eventually(async () => expect(await numbersOf()).toEqual([0, 1]));
  });

  test('an event is given up after its time, with the reason', async () => {
    const { url } = await behindProxy();
    const bounds = { giveUpAfterMs: 150 };
    const { emitter } = await forwarding({ redis: url, forward: [{ on: 'order.*' }], forwarding: bounds });
    proxy?.refuse();
    for (const tenantId of ['acme', 'acme', 'globex']) emitter.emit('order.paid', { tenantId });
    await eventually(() => expect(failures).toHaveLength(3));
    expect(codesOf(failures)).toEqual(Array.from({ length: 3 }, () => 'FORWARDING_GIVEN_UP'));
    expect(failures[0]?.error.cause).toMatchObject({ code: 'STREAM_UNAVAILABLE' });
    proxy?.resume();
    await eventually(async () => {
      emitter.emit('order.paid', { tenantId: 'initech', n: 1 });
      return (await numbersOf('initech')).length > 0;
    });
    expect(await stored()).toEqual([]);
  });
});

describe('closing the application', () => {
  test('publishes first what was emitted', async () => {
    const { app, emitter } = await forwarding({ forward: [{ on: 'order.*' }] });
    for (const n of countTo(1_000)) emitter.emit('order.paid', { tenantId: 'acme', n });
    await app.close();
    expect(await numbersOf()).toEqual(countTo(1_000));
  });

  test('publishes what the last requests emit', async () => {
    const publishing = PublishingModule.forRoot(optionsWith({ forward: [{ on: 'order.*' }] }));
    const app = await NestFactory.create(
      { module: Application, imports: [PATTERNS, publishing] },
      { logger: ['error'] },
    );
    apps.push(app);
    await app.listen(0);
    app.getHttpServer().once('close', () => app.get(EventEmitter2).emit('order.paid', { tenantId: 'acme', n: 1 }));
    await app.close();
    expect(await numbersOf()).toEqual([1]);
  });

  test('does not sit out a pause between attempts', async () => {
    const { app, emitter } = await forwarding({ maxBacklog: 1, forward: [{ on: 'order.*' }] });
    for (const n of countTo(2)) {
      emitter.emit('order.paid', { tenantId: 'acme', n });
      await eventually(async () => expect(await numbersOf()).toEqual([0]));
    }
    const closed = app.close();
    await client.set(keyspace(prefix).partition(partitionOf('acme', PARTITIONS)).handled, '1');
    await closed;
    expect(await numbersOf()).toEqual([0, 1]);
    expect(failures).toEqual([]);
  });

  test('ends in time though Redis is away, and reports what is left while listeners still listen', async () => {
    const { url } = await behindProxy();
    const emitted: PublishFailure[] = [];
    const bounds = { shutdownTimeoutMs: 100 };
    const { app, emitter } = await forwarding({ redis: url, forward: [{ on: 'order.*' }], forwarding: bounds });
    emitter.on(PUBLISH_FAILED, (failure: PublishFailure) => void emitted.push(failure));
    proxy?.refuse();
    for (const n of countTo(3)) emitter.emit('order.paid', { tenantId: 'acme', n });
    const startedAt = performance.now();
    await app.close();
    expect(performance.now() - startedAt).toBeLessThan(4_000);
    expect(codesOf(failures)).toEqual(Array.from({ length: 3 }, () => 'FORWARDING_STOPPED'));
    expect(failures.map(({ event }) => numberOf(event))).toEqual(countTo(3));
    expect(emitted).toEqual(failures);
  });
});
