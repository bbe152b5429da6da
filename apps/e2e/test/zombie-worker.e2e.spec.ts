import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type ChildApp, eventually, TcpProxy } from '@rejoin/testing';
import type { Client } from './client.ts';
import { Load } from './load.ts';
import { System } from './system.ts';

jest.setTimeout(120_000);

let system: System;
let proxy: TcpProxy;
let zombie: ChildApp;
let client: Client;
let load: Load;

/** The first worker owns every partition and reaches Redis through a proxy; a second one comes later. */
beforeEach(async () => {
  system = await System.start({ gateways: 1, workers: 0 });
  proxy = await TcpProxy.start(system.redis.url);
  zombie = await system.startWorker({ REDIS_URL: proxy.url });
  await eventually(() => owns(zombie, system.partitions));
  client = system.connect({ tenant: 'acme', user: 'u1' });
  await client.ready();
  load = new Load(system.publisher(), 500, (n) => ({ id: String(n), tenant: 'acme', audience: 'tenant' }));
  await received(200);
});
afterEach(async () => {
  await load.stop();
  await system.stop();
  await proxy.stop();
});

async function owns(worker: ChildApp, partitions: number): Promise<boolean> {
  const response = await fetch(`${worker.url}/health/ready`);
  return (await response.text()).includes(`owns ${partitions} partitions`);
}

const received = async (more: number): Promise<void> => {
  const { events } = client.recorder;
  const target = events.length + more;
  await eventually(() => events.length >= target, { timeoutMs: 30_000 });
};

const published = async (more: number): Promise<void> => {
  const target = load.accepted.length + more;
  await eventually(() => load.accepted.length >= target, { timeoutMs: 30_000 });
};

async function expectExactDelivery(): Promise<void> {
  const ids = (await load.stop()).map(({ id }) => id);
  await client.delivered(ids, { timeoutMs: 20_000 });
  expect(client.disconnects).toEqual([]);
  expect(client.replays).toHaveLength(1);
}

describe('G6', () => {
  it('G6 a worker that is stopped beyond its lease and continues while another works does no harm', async () => {
    for (let round = 0; round < 2; round++) {
      zombie.kill('SIGSTOP');
      const heir = await system.startWorker();
      await eventually(() => owns(heir, system.partitions), { timeoutMs: 30_000 });
      await received(200);
      zombie.kill('SIGCONT');
      await received(200);
      await eventually(() => owns(zombie, system.partitions / 2), { timeoutMs: 30_000 });
      await system.stopApp(heir);
      await eventually(() => owns(zombie, system.partitions), { timeoutMs: 30_000 });
      await received(100);
    }
    await expectExactDelivery();
  });

  it('G6 commands of a former owner that arrive late, when another has taken over, do no harm', async () => {
    for (let round = 0; round < 2; round++) {
      proxy.stall('requests');
      // New events make the worker send what the network then holds back. Stopped, it cannot give its connections up.
      await published(100);
      zombie.kill('SIGSTOP');
      const heir = await system.startWorker();
      await eventually(() => owns(heir, system.partitions), { timeoutMs: 30_000 });
      await received(100);
      proxy.resume();
      await received(100);
      zombie.kill('SIGCONT');
      await eventually(() => owns(zombie, system.partitions / 2), { timeoutMs: 30_000 });
      await system.stopApp(heir);
      await eventually(() => owns(zombie, system.partitions), { timeoutMs: 30_000 });
      await received(100);
    }
    await expectExactDelivery();
  });
});

describe('G1 G3', () => {
  it('G1 G3 entries whose reading was answered into a lost connection are delivered before later ones', async () => {
    const reading = '\r\nxread\r\n';
    for (let round = 0; round < 6; round++) {
      await proxy.loseReplyTo(reading);
      await received(50);
    }
    await expectExactDelivery();
  });

  it('G1 G2 batches whose fan-out was answered into a lost connection are delivered, once', async () => {
    // Only the commands of `fan-out.lua` name keys behind the feed's bytes.
    const fanningOut = ':feed-bytes\r\n$';
    for (let round = 0; round < 6; round++) {
      await proxy.loseReplyTo(fanningOut);
      await received(50);
    }
    await expectExactDelivery();
  });

  it('G1 G2 G3 a worker whose connections break again and again loses, doubles and misorders nothing', async () => {
    for (let round = 0; round < 10; round++) {
      proxy.cut();
      await received(20);
    }
    await expectExactDelivery();
  });
});
