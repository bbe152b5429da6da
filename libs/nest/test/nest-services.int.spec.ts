import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type INestApplication, Logger } from '@nestjs/common';
import { EventEmitter2 } from '@nestjs/event-emitter';
import { type DomainEvent, partitionOf } from '@rejoin/protocol';
import { connect, disconnect, keyspace, type RedisClient } from '@rejoin/redis';
import { serverUrl } from '@rejoin/runtime';
import { eventually, testRedis, uniquePrefix } from '@rejoin/testing';
import { start } from './nest-services/main.ts';
import { PublishFailures } from './nest-services/publish-failures.ts';

const PAGE = new URL('../../../docs/how-to/nest-services.md', import.meta.url);
const FILES = ['app.module.ts', 'orders.service.ts', 'orders.controller.ts', 'publish-failures.ts', 'main.ts'];

test('the how-to shows the files that run here', () => {
  const blocks = [...readFileSync(PAGE, 'utf8').matchAll(/^```ts\n\/\/ (\S+)\n([\s\S]*?)^```$/gm)];
  // Readers' TypeScript takes imports that end in ".js"; this repository's are those of the sources.
  const shown = blocks.map(([, name, code]) => [name, (code as string).replaceAll(/(from '\.\/.*)\.js'/g, "$1.ts'")]);
  const real = FILES.map((name) => [name, readFileSync(new URL(`nest-services/${name}`, import.meta.url), 'utf8')]);
  expect(shown).toEqual(real);
});

describe('the service of the how-to', () => {
  const { REDIS_URL, REJOIN_PREFIX } = process.env;
  let prefix: string;
  let client: RedisClient;
  let app: INestApplication;

  beforeEach(async () => {
    Logger.overrideLogger(false);
    prefix = uniquePrefix();
    Object.assign(process.env, { REDIS_URL: testRedis(), REJOIN_PREFIX: prefix });
    client = connect({ url: testRedis(), use: 'background', name: 'how-to-test', onError: () => undefined });
    app = await start(0);
  });
  afterEach(async () => {
    await app.close();
    disconnect(client);
    restore({ REDIS_URL, REJOIN_PREFIX });
    Logger.overrideLogger(['error', 'warn']);
  });

  function restore(environment: Readonly<Record<string, string | undefined>>): void {
    for (const [name, value] of Object.entries(environment)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }

  const call = (path: string) => fetch(`${serverUrl(app.getHttpServer())}${path}`, { method: 'POST' });

  async function stored(): Promise<DomainEvent[]> {
    const entries = await client.xrange(keyspace(prefix).partition(partitionOf('acme', 8)).events, '-', '+');
    return entries.map(([, fields]) => JSON.parse(fields[1] as string) as DomainEvent);
  }

  test('forwards what it emits, publishes what must be there, and keeps what cannot be', async () => {
    expect((await call('/orders/991/pay')).status).toBe(201);
    await eventually(async () => expect(await stored()).toHaveLength(1));
    const refunded = await call('/orders/991/refund');
    expect(await refunded.json()).toEqual({ cursor: expect.any(String) });
    app.get(EventEmitter2).emit('stock.low', { tenantId: 'acme', sku: 's-1', left: 2, supplier: 'not for clients' });
    await eventually(async () => expect(await stored()).toHaveLength(3));
    expect(await stored()).toEqual([
      expect.objectContaining({ type: 'order.paid', subject: '991', source: '/orders' }),
      expect.objectContaining({ type: 'order.refunded', id: 'refund-991' }),
      expect.objectContaining({ type: 'stock.low', audience: 'role:staff', data: { sku: 's-1', left: 2 } }),
    ]);
    app.get(EventEmitter2).emit('order.paid', { subject: '991' });
    expect(app.get(PublishFailures).kept).toEqual([
      expect.objectContaining({ name: 'order.paid', payload: { subject: '991' } }),
    ]);
  });
});
