import 'reflect-metadata';
import { afterEach, beforeEach, jest } from '@jest/globals';
import { type DynamicModule, type INestApplicationContext, Logger, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventEmitter2, EventEmitterModule } from '@nestjs/event-emitter';
import { type DomainEvent, partitionOf } from '@rejoin/protocol';
import { connect, disconnect, keyspace, type RedisClient } from '@rejoin/redis';
import { TcpProxy, testRedis, uniquePrefix } from '@rejoin/testing';
import { type PublishFailure, PublishingModule, type PublishingModuleOptions } from '../src/index.ts';

// Applications that publish, for the tests of a file: importing this gives each test a Redis prefix of its own, and closes what it started.

export const PARTITIONS = 8;
export const PATTERNS = EventEmitterModule.forRoot({ wildcard: true });

export let prefix: string;
export let client: RedisClient;
export let proxy: TcpProxy | undefined;
export let apps: INestApplicationContext[];
/** What the application's hook was told. */
export let failures: PublishFailure[];
export let logged: string[];

beforeEach(() => {
  prefix = uniquePrefix();
  client = connect({ url: testRedis(), use: 'background', name: 'nest-test', onError: () => undefined });
  apps = [];
  failures = [];
  logged = [];
  jest.spyOn(Logger.prototype, 'error').mockImplementation((message: unknown) => void logged.push(String(message)));
  jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
});
afterEach(async () => {
  proxy?.resume();
  await Promise.all(apps.map((app) => app.close()));
  await proxy?.stop();
  proxy = undefined;
  disconnect(client);
  jest.restoreAllMocks();
});

@Module({})
export class Application {}

export async function create(...imports: DynamicModule[]): Promise<INestApplicationContext> {
  const app = await NestFactory.createApplicationContext(
    { module: Application, imports },
    {
      logger: ['error', 'warn'],
      abortOnError: false,
    },
  );
  apps.push(app);
  return app;
}

export const optionsWith = (options: Partial<PublishingModuleOptions>): PublishingModuleOptions => ({
  redis: testRedis(),
  prefix,
  source: '/orders',
  onPublishFailed: (failure) => void failures.push(failure),
  ...options,
});

/** An application that forwards, and its emitter. */
export async function forwarding(options: Partial<PublishingModuleOptions>, emitters = PATTERNS) {
  const app = await create(emitters, PublishingModule.forRoot(optionsWith(options)));
  return { app, emitter: app.get(EventEmitter2) };
}

export async function behindProxy(): Promise<TcpProxy> {
  proxy = await TcpProxy.start(testRedis());
  return proxy;
}

/** The events of a tenant that Redis holds, in their order. */
export async function stored(tenant = 'acme'): Promise<DomainEvent[]> {
  const { events } = keyspace(prefix).partition(partitionOf(tenant, PARTITIONS));
  const entries = await client.xrange(events, '-', '+');
  return entries
    .map(([, fields]) => JSON.parse(fields[1] as string) as DomainEvent)
    .filter(({ tenantid }) => tenantid === tenant);
}

export const numberOf = (event: DomainEvent | undefined) => (event as { data: { n: number } }).data.n;
export const typesOf = async (tenant = 'acme') => (await stored(tenant)).map(({ type }) => type);
export const numbersOf = async (tenant = 'acme') => (await stored(tenant)).map(numberOf);
export const countTo = (count: number) => Array.from({ length: count }, (_, n) => n);
export const codesOf = (failed: readonly PublishFailure[]) =>
  failed.map(({ error }) => (error as { code?: string }).code);
