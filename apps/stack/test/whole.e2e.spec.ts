import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { EventRecorder, eventually, tokenFor } from '@rejoin/testing';
import { io, type Socket } from 'socket.io-client';

const supervisor = fileURLToPath(new URL('../dist/main.js', import.meta.url));

interface Running {
  readonly gateways: readonly string[];
  readonly ops: string;
  readonly demo: string;
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>;
}

let dataDirectory: string;
const children: ChildProcess[] = [];
const sockets: Socket[] = [];

beforeEach(() => {
  dataDirectory = mkdtempSync(join(tmpdir(), 'rejoin-whole-'));
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.disconnect();
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    await exited;
  }
  rmSync(dataDirectory, { recursive: true });
});

async function start(): Promise<Running> {
  const child = fork(supervisor, [], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: {
      PATH: process.env.PATH,
      DATA_DIR: dataDirectory,
      GATEWAY_PORTS: '0,0',
      OPS_PORT: '0',
      DEMO_PORT: '0',
    },
  });
  children.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const urls = await eventually(
    () => {
      if (child.exitCode !== null) return [output];
      return /^ready gateway=(\S+),(\S+) ops=(\S+) demo=(\S+)$/m.exec(output)?.slice(1) ?? null;
    },
    { timeoutMs: 30_000 },
  );
  if (urls.length !== 4) throw new Error(`npm start ended: ${output}`);
  const [first, second, ops, demo] = urls as [string, string, string, string];
  return {
    gateways: [first, second],
    ops,
    demo,
    async stop() {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      const [code] = (await exited) as [number | null];
      return code;
    },
  };
}

const secret = (): string => readFileSync(join(dataDirectory, 'jwt-secret'), 'utf8').trim();

async function publish(ops: string, id: string): Promise<number> {
  const response = await fetch(`${ops}/v1/events`, {
    method: 'POST',
    headers: {
      'content-type': 'application/cloudevents+json',
      authorization: `Bearer ${tokenFor({ sub: 'orders', scope: 'events:publish', secret: secret() })}`,
    },
    body: JSON.stringify({
      specversion: '1.0',
      id,
      source: '/test',
      type: 'test.happened',
      tenantid: 'acme-test',
      audience: 'user:u1',
      data: {},
    }),
  });
  return response.status;
}

function connectTo(gateway: string, cursor?: string): EventRecorder {
  const token = tokenFor({ sub: 'u1', tenant: 'acme-test', secret: secret() });
  const socket = io(gateway, { auth: { token, cursor }, transports: ['websocket'], forceNew: true });
  sockets.push(socket);
  return new EventRecorder(socket);
}

describe('the whole system under npm start', () => {
  it('carries events, goes on after a restart where it was, and leaves nothing behind', async () => {
    const first = await start();
    for (const url of [...first.gateways, first.ops, first.demo]) {
      // The demo says so when it has published something, which is after a second or two.
      await eventually(async () => expect((await fetch(`${url}/health/ready`)).status).toBe(200), {
        timeoutMs: 20_000,
      });
    }
    const client = connectTo(first.gateways[0] as string);
    await eventually(() => client.readies.length === 1);
    expect(await publish(first.ops, 'before')).toBe(202);
    await eventually(() => client.assertDelivered(['before']));
    for (const socket of sockets) socket.disconnect();
    expect(await publish(first.ops, 'missed')).toBe(202);
    expect(await first.stop()).toBe(0);
    expect(existsSync(join(dataDirectory, 'lock'))).toBe(false);
    expect(readdirSync(join(dataDirectory, 'redis')).sort()).toEqual(['appendonlydir', 'redis.log']);

    const second = await start();
    const again = connectTo(second.gateways[1] as string, client.cursor);
    await eventually(() => again.readies.length === 1);
    again.assertDelivered(['missed']);
    expect(again.readies[0]?.ready.replay).toEqual({ status: 'complete', count: 1 });
    expect(await second.stop()).toBe(0);
  }, 60_000);
});
