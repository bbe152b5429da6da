import { Agent } from 'node:http';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Publisher } from '@rejoin/publisher';
import { type ChildApp, eventually, seriesValue } from '@rejoin/testing';
import type { Client } from '../client.ts';
import { System } from '../system.ts';
import { LoadBalancer } from './load-balancer.ts';

jest.setTimeout(180_000);

const TENANT = 'acme';

let system: System;
let balancer: LoadBalancer;
let publisher: Publisher;
const agents: Agent[] = [];

beforeAll(async () => {
  system = await System.start({ gateways: 2, workers: 2, env: { TRUSTED_PROXIES: 'loopback' } });
  publisher = system.publisher();
  balancer = await LoadBalancer.start(system.gateways.map(({ url }) => url) as [string, string]);
  await eventually(async () => (await fetch(`${balancer.url}/socket.io/`)).status === 400, {
    timeoutMs: 20_000,
  });
});
afterAll(async () => {
  await balancer?.stop();
  for (const agent of agents) agent.destroy();
  await system?.stop();
});

/** A client whose requests come from an address of its own, as those of different machines do. */
function from(address: number): { readonly agent: never } {
  const agent = new Agent({ localAddress: `127.0.1.${address}`, keepAlive: true });
  agents.push(agent);
  return { agent: agent as never };
}

type Kind = 'polling' | 'polling with a cookie' | 'websocket' | 'upgrading';

function connect(kind: Kind, index: number): Client {
  const transports = { websocket: ['websocket'], upgrading: ['polling', 'websocket'] }[kind as string] ?? ['polling'];
  return system.connect({
    tenant: TENANT,
    user: `u-${index}`,
    url: balancer.url,
    socket: { transports, ...from(index + 1), withCredentials: kind === 'polling with a cookie' },
  });
}

async function publishAll(ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    await publisher.publish({ id, source: '/lb', type: 'order.paid', tenantid: TENANT, audience: 'tenant', data: {} });
  }
}

async function connectionsOf(gateway: ChildApp): Promise<number> {
  const text = await (await fetch(`${gateway.url}/metrics`)).text();
  return seriesValue(text, 'rejoin_gateway_connections') ?? 0;
}

const ids = (name: string, count: number): string[] => Array.from({ length: count }, (_, index) => `${name}-${index}`);

describe('behind the load balancer that ships with the system', () => {
  const kinds: Kind[] = ['polling', 'polling with a cookie', 'websocket', 'upgrading'];
  let clients: Client[];
  beforeAll(async () => {
    clients = Array.from({ length: 16 }, (_, index) => connect(kinds[index % kinds.length] as Kind, index));
    await Promise.all(clients.map((client) => client.ready(1, { timeoutMs: 30_000 })));
  });

  it('clients of every transport are spread over the gateways, keep theirs, and receive each event once', async () => {
    const counts = await Promise.all(system.gateways.map(connectionsOf));
    expect(counts.reduce((sum, count) => sum + count)).toBe(clients.length);
    expect(Math.min(...counts)).toBeGreaterThan(0);
    const events = ids('before', 20);
    await publishAll(events);
    await Promise.all(clients.map((client) => client.delivered(events, { timeoutMs: 30_000 })));
    // A poll that reached the other gateway would have ended its connection.
    expect(clients.flatMap(({ disconnects }) => disconnects)).toEqual([]);
  });

  it('clients of a gateway that is killed resume on the other one, and miss nothing', async () => {
    const [killed, other] = system.gateways as [ChildApp, ChildApp];
    const lost = await connectionsOf(killed);
    await system.kill(killed);
    const events = ids('killed', 20);
    await publishAll(events);
    const all = [...ids('before', 20), ...events];
    await Promise.all(clients.map((client) => client.delivered(all, { timeoutMs: 60_000 })));
    expect(await connectionsOf(other)).toBeGreaterThanOrEqual(clients.length);
    expect(clients.filter(({ replays }) => replays.length > 1).length).toBeGreaterThanOrEqual(lost);
    expect(clients.flatMap(({ replays }) => replays).filter(({ status }) => status === 'gap')).toEqual([]);
  });

  it('keeps health and metrics to itself, and shows its own where operators are', async () => {
    for (const path of ['/metrics', '/health/ready', '/health/live']) {
      expect([path, (await fetch(balancer.url + path)).status]).toEqual([path, 404]);
    }
    const metrics = await (await fetch(`${balancer.adminUrl}/metrics`)).text();
    expect(metrics).toContain('haproxy_server_status{proxy="polling",server="gateway-1"');
    expect((await fetch(`${balancer.adminUrl}/anything`)).status).toBe(404);
  });

  it('logs requests as JSON, without the queries that name connections', async () => {
    await eventually(() => expect(balancer.output).toContain('"path":"/socket.io/"'));
    const requests = balancer.output.split('\n').filter((line) => line.startsWith('{'));
    expect(requests.length).toBeGreaterThan(10);
    for (const line of requests) expect(Object.keys(JSON.parse(line) as object)).toContain('gateway');
    expect(balancer.output).not.toContain('sid=');
  });
});
