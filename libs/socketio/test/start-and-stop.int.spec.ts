import { createServer } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { testRedis } from '@rejoin/testing';
import { Server } from 'socket.io';
import { ResumableGateway } from '../src/index.ts';
import { Fixture } from './fixture.ts';

let fixture: Fixture;
beforeEach(() => {
  fixture = new Fixture();
});
afterEach(() => fixture.close());

const options = () => ({
  redisUrl: testRedis(),
  keys: fixture.keys,
  log: { info: () => undefined, warn: () => undefined, error: () => undefined },
  authenticate: () => Promise.reject(new Error('nobody')),
  authorizeWatch: async () => false,
});

describe('a gateway', () => {
  it.each(['was never started', 'serves nobody yet'])('that %s stops, and the process goes on', async (state) => {
    const gateway = new ResumableGateway(options());
    if (state !== 'was never started') await gateway.start();
    await gateway.stop();
    // The adapter's poll loop would take every turn for itself.
    for (let turn = 0; turn < 20; turn++) await nextTurn();
    expect(gateway.ready).toBe(false);
  });

  it('serves one server, which has its HTTP server', async () => {
    const gateway = await fixture.gateway();
    expect(() => gateway.gateway.attach(new Server(createServer()))).toThrow('one server');
  });
});
