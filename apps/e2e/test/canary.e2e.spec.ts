import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { type ChildApp, eventually } from '@rejoin/testing';
import { System } from './system.ts';

jest.setTimeout(180_000);

const LONG = { timeoutMs: 60_000, intervalMs: 100 };

interface Readiness {
  readonly ready: boolean;
  readonly checks: Readonly<Record<string, { readonly ready: boolean; readonly detail?: string }>>;
}

let system: System;
beforeAll(async () => {
  system = await System.start({ gateways: 0, workers: 1, partitions: 2 });
});
afterAll(() => system.stop());

async function readiness({ url }: ChildApp): Promise<{ status: number; report: Readiness }> {
  const response = await fetch(`${url}/health/ready`);
  return { status: response.status, report: (await response.json()) as Readiness };
}

/** Checks that fail. */
function failed({ checks }: Readiness): string[] {
  return Object.entries(checks).flatMap(([name, { ready }]) => (ready ? [] : [name]));
}

it('a gateway is ready while its canaries come back through a worker, and only then', async () => {
  const gateway = await system.startGateway({ CANARY: '200ms' });
  await eventually(async () => {
    const { status, report } = await readiness(gateway);
    expect(report.checks.path?.detail).toMatch(/^the last canary took \d+ ms$/);
    expect(status).toBe(200);
  }, LONG);

  await system.stopApp(system.workers[0] as ChildApp);
  await eventually(async () => {
    const { status, report } = await readiness(gateway);
    expect(status).toBe(503);
    expect(report.ready).toBe(false);
    expect(failed(report)).toEqual(['path']);
    expect(report.checks.path?.detail).toContain('nothing comes through in partitions 0, 1');
  }, LONG);
  expect((await fetch(`${gateway.url}/health/live`)).status).toBe(200);

  await system.startWorker();
  await eventually(async () => {
    const { status, report } = await readiness(gateway);
    expect(failed(report)).toEqual([]);
    expect(status).toBe(200);
    expect(report.checks.path?.detail).toMatch(/^the last canary took \d+ ms$/);
  }, LONG);
});
