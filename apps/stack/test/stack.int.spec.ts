import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { connect, disconnect } from '@rejoin/redis';
import { eventually, testRedis } from '@rejoin/testing';
import { readStackConfiguration } from '../src/configuration.ts';
import { Stack, type StackUrls } from '../src/stack.ts';
import { Terminal } from '../src/terminal.ts';
import { makeStandIns, type StandIns } from './stand-ins.ts';

let standIns: StandIns;
let stacks: Stack[];
let said: string;

beforeEach(() => {
  standIns = makeStandIns();
  [stacks, said] = [[], ''];
});
afterEach(async () => {
  for (const stack of stacks) {
    const stopped = stack.stop();
    stack.kill();
    await stopped;
  }
  standIns.remove();
});

function make(variables: NodeJS.ProcessEnv = {}): Stack {
  const environment = {
    PATH: process.env.PATH,
    DATA_DIR: standIns.dataDirectory,
    GATEWAY_PORTS: '0,0',
    OPS_PORT: '0',
    DEMO_PORT: '0',
    ...variables,
  };
  const terminal = new Terminal((text) => {
    said += text;
  });
  const configuration = readStackConfiguration(environment);
  const stack = new Stack({ configuration, environment, programsDirectory: standIns.programsDirectory, terminal });
  stacks.push(stack);
  return stack;
}

async function environmentOf(url: string | undefined): Promise<Record<string, string>> {
  return (await (await fetch(url as string)).json()) as Record<string, string>;
}

const pidOf = (): number => Number(readFileSync(join(standIns.dataDirectory, 'redis/redis.pid'), 'utf8').split(' ')[0]);

describe('the stack', () => {
  it('serves at the URLs it says, with a Redis and a secret of its own', async () => {
    const urls: StackUrls = await make().start();
    expect(urls.gateways).toHaveLength(2);
    for (const url of [...urls.gateways, urls.ops, urls.demo]) expect(url).toMatch(/^http:\/\/localhost:\d+$/);
    const [gateway, ops, demo] = await Promise.all([urls.gateways[0], urls.ops, urls.demo].map(environmentOf));
    expect(gateway?.REDIS_URL).toMatch(/^unix:\/\//);
    expect(gateway?.JWT_SECRET).toBe(readFileSync(join(standIns.dataDirectory, 'jwt-secret'), 'utf8').trim());
    expect(said).toContain('jwt-secret');
    expect(said).not.toContain(gateway?.JWT_SECRET);
    expect(ops?.JWT_SECRET).toBe(gateway?.JWT_SECRET);
    expect(gateway?.ALLOWED_ORIGINS?.split(',')).toEqual(expect.arrayContaining([urls.demo, urls.ops]));
    expect(demo).toMatchObject({ GATEWAY_URLS: urls.gateways.join(','), OPS_URL: urls.ops });
  });

  it('says where it is for the command line, while it runs', async () => {
    const path = join(standIns.dataDirectory, 'running.json');
    const stack = make({ JWT_ISSUER: 'here' });
    const { ops, gateways, demo } = await stack.start();
    const running = JSON.parse(readFileSync(path, 'utf8'));
    expect(running).toEqual({ pid: process.pid, ops, gateways, demo, signsTokens: true, issuer: 'here' });
    await stack.stop();
    expect(existsSync(path)).toBe(false);
  });

  it('leaves no lock, no socket and no process when it stops, and its data and logs', async () => {
    const stack = make();
    const urls = await stack.start();
    const redis = pidOf();
    await stack.stop();
    await stack.stop();
    await expect(fetch(urls.ops)).rejects.toThrow('fetch failed');
    expect(() => process.kill(redis, 0)).toThrow('ESRCH');
    expect(readdirSync(standIns.dataDirectory).sort()).toEqual(['jwt-secret', 'logs', 'redis']);
    expect(readdirSync(join(standIns.dataDirectory, 'redis')).sort()).toEqual(['appendonlydir', 'redis.log']);
    expect(readdirSync(join(standIns.dataDirectory, 'logs'))).toEqual(
      expect.arrayContaining(['demo.log', 'ops.log', 'worker-1.log', 'worker-2.log']),
    );
  });

  it('has its data and its secret again at the next start', async () => {
    const first = make();
    const before = await environmentOf((await first.start()).ops);
    const client = connect({
      url: before.REDIS_URL as string,
      use: 'commands',
      name: 'test',
      onError: () => undefined,
    });
    await client.set('kept', '1');
    disconnect(client);
    await first.stop();
    const after = await environmentOf((await make().start()).ops);
    expect(after.JWT_SECRET).toBe(before.JWT_SECRET);
    const again = connect({ url: after.REDIS_URL as string, use: 'commands', name: 'test', onError: () => undefined });
    expect(await again.get('kept')).toBe('1');
    disconnect(again);
  });

  it('uses what the environment gives: another Redis, a key, origins, no demo', async () => {
    const given = {
      REDIS_URL: testRedis(),
      JWT_SECRET: 's'.repeat(32),
      ALLOWED_ORIGINS: 'https://x.example',
      DEMO: '0',
    };
    const urls = await make({ ...given, WORKERS: '1' }).start();
    expect(urls.demo).toBeUndefined();
    expect(await environmentOf(urls.ops)).toMatchObject(given);
    expect(existsSync(join(standIns.dataDirectory, 'redis'))).toBe(false);
    expect(existsSync(join(standIns.dataDirectory, 'jwt-secret'))).toBe(false);
    expect(readdirSync(join(standIns.dataDirectory, 'logs'))).not.toContain('worker-2.log');
  });

  it('starts programs and Redis again when they die, and says so', async () => {
    const urls = await make().start();
    await fetch(`${urls.ops}/die`).catch((error: unknown) => error);
    process.kill(pidOf(), 'SIGKILL');
    await eventually(() => expect(said.match(/running again/g)).toHaveLength(2));
    expect(said).toMatch(/✗ ops: ended with code 3; starting it again in 0.25 s. Its log: .*ops\.log/);
    expect(said).toMatch(/! redis: ended by SIGKILL; starting it again/);
    expect((await fetch(urls.ops)).ok).toBe(true);
  });

  it('passes warnings on', async () => {
    const urls = await make().start();
    await fetch(`${urls.ops}/warn`);
    await eventually(() => expect(said).toContain('! ops: slow: disk\n'));
  });
});

describe('a start', () => {
  it('is refused beside a running one with the same data', async () => {
    const urls = await make().start();
    await expect(make().start()).rejects.toMatchObject({
      code: 'ALREADY_RUNNING',
      message: expect.stringContaining(`already running on ${standIns.dataDirectory} (process ${process.pid})`),
    });
    expect((await fetch(urls.ops)).ok).toBe(true);
  });

  it('fails where an app was not built, naming it, before anything is started', async () => {
    rmSync(standIns.entry('demo'));
    await expect(make().start()).rejects.toMatchObject({
      code: 'PROGRAM_MISSING',
      message: expect.stringMatching(/^Not built: .*demo\.js\. Run: npm run build$/),
    });
    expect(existsSync(standIns.dataDirectory)).toBe(false);
  });

  it('fails with the words of a program that cannot start, and leaves nothing behind', async () => {
    const stack = make({ FAULTS: 'gateway=misconfigured' });
    await expect(stack.start()).rejects.toThrow('JWT_SECRET is too short');
    await stack.stop();
    expect(readdirSync(standIns.dataDirectory)).not.toContain('lock');
  });

  it('fails where Redis does not answer, without its password in the message', async () => {
    await expect(make({ REDIS_URL: 'redis://:secret@127.0.0.1:1' }).start()).rejects.toMatchObject({
      code: 'REDIS_UNREACHABLE',
      message: expect.stringMatching(/^REDIS_URL: redis:\/\/\*\*\*@127.0.0.1:1 does not answer: .*ECONNREFUSED/),
    });
  });

  it('can be stopped at any moment', async () => {
    const stack = make();
    const [start] = await Promise.allSettled([stack.start(), stack.stop()]);
    expect(start).toMatchObject({ status: 'rejected', reason: { code: 'STOPPED' } });
    expect(readdirSync(standIns.dataDirectory)).not.toContain('lock');
  });
});

describe('a stop', () => {
  it('is cut short by kill, whatever a program does', async () => {
    const stack = make({ FAULTS: 'worker=deaf' });
    await stack.start();
    const stopped = stack.stop();
    stack.kill();
    await stopped;
    expect(readdirSync(standIns.dataDirectory)).not.toContain('lock');
  });
});
