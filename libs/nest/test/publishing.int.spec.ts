import 'reflect-metadata';
import { describe, expect, test } from '@jest/globals';
import { type DynamicModule, Injectable, Module } from '@nestjs/common';
import { EventEmitterModule } from '@nestjs/event-emitter';
import { partitionOf } from '@rejoin/protocol';
import { eventually, testRedis } from '@rejoin/testing';
import {
  EventPublisher,
  InvalidForwardingError,
  PublishingModule,
  type PublishingModuleOptions,
} from '../src/index.ts';
import {
  behindProxy,
  create,
  failures,
  forwarding,
  numbersOf,
  optionsWith,
  PARTITIONS,
  PATTERNS,
  prefix,
  proxy,
  stored,
  typesOf,
} from './publishing-applications.ts';

describe('the publisher', () => {
  test('is injected where a service wants it', async () => {
    @Injectable()
    class Orders {
      readonly #events: EventPublisher<{ 'order.paid': { amount: number } }>;
      constructor(events: EventPublisher<{ 'order.paid': { amount: number } }>) {
        this.#events = events;
      }
      pay(id: string) {
        const event = {
          type: 'order.paid',
          tenantid: 'acme',
          source: '/orders',
          subject: id,
          data: { amount: 5 },
        } as const;
        return this.#events.publish(event);
      }
    }
    @Module({ providers: [Orders] })
    class OrdersModule {}
    const app = await create(PublishingModule.forRoot(optionsWith({})), { module: OrdersModule });
    const published = await app.get(Orders).pay('991');
    expect(published).toMatchObject({ duplicate: false, partition: partitionOf('acme', PARTITIONS) });
    expect(await stored()).toEqual([expect.objectContaining({ subject: '991', data: { amount: 5 } })]);
    const batch = ['a', 'b'].map((id) => ({ id, type: 'order.paid', tenantid: 'acme', source: '/orders' }));
    expect(await app.get<EventPublisher>(EventPublisher).publishBatch(batch)).toHaveLength(2);
  });

  test('takes its options from other providers', async () => {
    @Injectable()
    class Settings {
      readonly redis = testRedis();
    }
    @Module({ providers: [Settings], exports: [Settings] })
    class SettingsModule {}
    const app = await create(
      PublishingModule.forRootAsync({
        imports: [SettingsModule],
        inject: [Settings],
        useFactory: async ({ redis }: Settings) => Promise.resolve({ redis, prefix }),
      }),
    );
    await app.get<EventPublisher>(EventPublisher).publish({ type: 'order.paid', tenantid: 'acme', source: '/orders' });
    expect(await typesOf()).toEqual(['order.paid']);
  });

  test('tells its caller what it refuses', async () => {
    const app = await create(PublishingModule.forRoot(optionsWith({})));
    const event = { type: 'order.paid', tenantid: '', source: '/orders' };
    await expect(app.get<EventPublisher>(EventPublisher).publish(event)).rejects.toMatchObject({
      code: 'INVALID_EVENT',
    });
    expect(failures).toEqual([]);
  });

  test('is closed with the application', async () => {
    const app = await create(PublishingModule.forRoot(optionsWith({})));
    const publisher = app.get<EventPublisher>(EventPublisher);
    const published = publisher.publish({ type: 'order.paid', tenantid: 'acme', source: '/orders' });
    await app.close();
    expect(await published).toMatchObject({ duplicate: false });
    const late = publisher.publish({ type: 'order.paid', tenantid: 'acme', source: '/orders' });
    await expect(late).rejects.toMatchObject({ code: 'PUBLISHER_CLOSED' });
  });
});

describe('starting', () => {
  test('fails where the installation has another number of partitions', async () => {
    await create(PublishingModule.forRoot(optionsWith({ partitions: 4 })));
    const other = create(PublishingModule.forRoot(optionsWith({ partitions: 5 })));
    await expect(other).rejects.toMatchObject({ code: 'PARTITION_COUNT_MISMATCH' });
  });

  test('does not wait for a Redis that is away', async () => {
    const { url } = await behindProxy();
    proxy?.refuse();
    const { emitter } = await forwarding({ redis: url, forward: [{ on: 'order.paid' }] });
    emitter.emit('order.paid', { tenantId: 'acme', n: 1 });
    proxy?.resume();
    await eventually(async () => expect(await numbersOf()).toEqual([1]));
  });

  test.each<[string, DynamicModule[], Partial<PublishingModuleOptions>, string]>([
    [
      'a pattern without an emitter that has them',
      [EventEmitterModule.forRoot()],
      { forward: [{ on: 'order.*' }] },
      'wildcard',
    ],
    ['forwarding without an emitter', [], { forward: [{ on: 'order.paid' }] }, 'EventEmitterModule'],
    [
      'the default mapping without a source',
      [PATTERNS],
      { forward: [{ on: 'a' }], source: undefined as never },
      'source',
    ],
  ])('refuses %s', async (_, imports, options, problem) => {
    const started = create(...imports, PublishingModule.forRoot(optionsWith(options)));
    await expect(started).rejects.toBeInstanceOf(InvalidForwardingError);
    await expect(started).rejects.toThrow(problem);
  });

  test('refuses to retry for longer than a repetition is recognised', async () => {
    const options = {
      forward: [{ on: 'a' }],
      forwarding: { giveUpAfterMs: 500_000 },
      whenUnavailable: { waitMs: 50_000 },
    };
    await expect(forwarding(options)).rejects.toThrow(RangeError);
  });
});
