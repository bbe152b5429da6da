import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type ConformanceCase, readCases } from './conformance/case.ts';
import { CaseRun } from './conformance/case-run.ts';
import type { GatewayUnderTest } from './conformance/gateway-under-test.ts';
import { RealGateways } from './conformance/real-gateways.ts';
import { ScriptedHistory } from './conformance/scripted-history.ts';
import { WebLocks } from './web-locks.ts';

jest.setTimeout(60_000);

const recovery = readCases('recovery');
const wire = readCases('wire');
const locks = new WebLocks();
const navigatorBefore = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
beforeAll(() => {
  Object.defineProperty(globalThis, 'navigator', { value: { locks }, configurable: true });
});
afterAll(() => {
  if (navigatorBefore) Object.defineProperty(globalThis, 'navigator', navigatorBefore);
  else delete (globalThis as { navigator?: unknown }).navigator;
});

let releases: (() => unknown)[] = [];
afterEach(async () => {
  for (const release of releases.reverse()) await release();
  releases = [];
});

async function expectToHold(conformanceCase: ConformanceCase, gateway: GatewayUnderTest): Promise<void> {
  releases.push(() => gateway.stop());
  const run = new CaseRun(gateway, conformanceCase, locks);
  releases.push(() => run.close());
  await expect(run.run()).resolves.toBeUndefined();
}

describe('against a scripted gateway', () => {
  it.each([...recovery, ...wire].map((one) => [one.name, one] as const))('%s', async (_name, one) => {
    await expectToHold(one, await ScriptedHistory.start(one.gateway));
  });
});

describe('against the gateway', () => {
  it.each(recovery.map((one) => [one.name, one] as const))('%s', async (_name, one) => {
    await expectToHold(one, await RealGateways.start(one.gateway));
  });
});
