import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '@rejoin/testing';
import { readStackConfiguration } from '../src/configuration.ts';
import type { ProgramStatus } from '../src/program.ts';
import { Stack } from '../src/stack.ts';
import { Terminal } from '../src/terminal.ts';
import { makeStandIns, type StandIns } from './stand-ins.ts';

let standIns: StandIns;
let stack: Stack;

beforeEach(() => {
  standIns = makeStandIns();
  const environment = {
    PATH: process.env.PATH,
    DATA_DIR: standIns.dataDirectory,
    GATEWAY_PORTS: '0,0',
    OPS_PORT: '0',
    DEMO_PORT: '0',
  };
  stack = new Stack({
    configuration: readStackConfiguration(environment),
    environment,
    programsDirectory: standIns.programsDirectory,
    terminal: new Terminal(() => undefined),
  });
});
afterEach(async () => {
  const stopped = stack.stop();
  stack.kill();
  await stopped;
  standIns.remove();
});

const say = (url: string, message: object) =>
  fetch(`${url}/say?message=${encodeURIComponent(JSON.stringify(message))}`);

async function programsTold(url: string): Promise<readonly ProgramStatus[] | undefined> {
  const told = (await (await fetch(`${url}/told`)).json()) as { type: string; programs: ProgramStatus[] } | null;
  return told?.type === 'programs' ? told.programs : undefined;
}

describe('control of the programs', () => {
  it('shows them to the demo, which may kill a gateway or a worker and sees it come back', async () => {
    const { demo } = (await stack.start()) as { demo: string };
    await say(demo, { type: 'programs:watch' });
    const before = await eventually(async () => (await programsTold(demo)) ?? null);
    expect(before.map(({ name }) => name.replace(/\d+$/, ''))).toEqual(['gateway-', 'gateway-', 'worker-', 'worker-']);

    const [gateway] = before as [ProgramStatus];
    await say(demo, { type: 'program:kill', name: gateway.name });
    const statusOf = async () => (await programsTold(demo))?.find(({ name }) => name === gateway.name);
    await eventually(async () => expect(await statusOf()).toMatchObject({ running: false, pid: null }));
    await eventually(async () => expect(await statusOf()).toMatchObject({ running: true, restarts: 1 }));
    expect((await statusOf())?.pid).not.toBe(gateway.pid);
  });

  it('kills nothing else, and listens to no other program', async () => {
    const urls = await stack.start();
    const demo = urls.demo as string;
    await say(demo, { type: 'programs:watch' });
    const before = await eventually(async () => (await programsTold(demo)) ?? null);
    for (const name of ['ops', 'demo', 'redis', '', 7, null]) await say(demo, { type: 'program:kill', name });
    await say(urls.ops, { type: 'program:kill', name: before[0]?.name });
    await say(urls.gateways[0] as string, { type: 'programs:watch' });
    // Messages of one channel arrive in order, so these were read when this is answered.
    await say(demo, { type: 'programs:watch' });
    expect(await programsTold(demo)).toEqual(before);
    expect(await programsTold(urls.gateways[0] as string)).toBeUndefined();
    for (const url of [urls.ops, demo]) expect((await fetch(url)).ok).toBe(true);
  });
});
