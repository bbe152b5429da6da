import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ChildApp, TEST_JWT_SECRET, testRedis, tokenFor, uniquePrefix } from '@rejoin/testing';
import { run } from '../src/run.ts';

const OPERATOR = tokenFor({ sub: 'olga', scope: 'ops:read ops:write events:publish' });
const READER = tokenFor({ sub: 'rita', scope: 'ops:read' });
let ops: ChildApp;

beforeAll(async () => {
  ops = await ChildApp.start({
    app: 'ops',
    env: { REDIS_URL: testRedis(), REJOIN_PREFIX: uniquePrefix(), JWT_SECRET: TEST_JWT_SECRET, OPS_PORT: '0' },
  });
});

afterAll(() => ops.stop());

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs one command line against the ops process, off a terminal. */
async function rejoin(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  signal?: AbortSignal,
  onOut: (text: string) => void = () => undefined,
): Promise<Outcome> {
  const written = { out: '', err: '' };
  const sink = (to: 'out' | 'err') => ({
    isTTY: false,
    columns: 80,
    write(text: string) {
      written[to] += text;
      if (to === 'out') onOut(text);
      return true;
    },
  });
  const code = await run(args, {
    streams: {
      stdin: { isTTY: false } as NodeJS.ReadStream,
      stdout: sink('out') as never,
      stderr: sink('err') as never,
    },
    environment: { REJOIN_OPS_URL: ops.url, REJOIN_TOKEN: OPERATOR, ...environment },
    ...(signal ? { signal } : {}),
  });
  return { code, ...written };
}

describe('commands that look', () => {
  it.each([
    [['lag'], 'STATUS'],
    [['pending', '0'], 'DELIVERIES'],
    [['peek'], 'AUDIENCE'],
    [['dlq', 'list'], 'CODE'],
    [['dlq', 'groups'], 'CAUSE'],
    [['coverage'], 'COVERED'],
    [['sockets'], 'TRANSPORT'],
    [['audit'], 'REASON'],
    [['doctor'], 'partitions'],
  ])('%j writes a table, and one JSON document with --json', async (args, title) => {
    const table = await rejoin(args);
    expect(table.err).toBe('');
    expect(table.out).toContain(title);
    const { code, out, err } = await rejoin([...args, '--json']);
    expect(err).toBe('');
    expect([0, 1]).toContain(code);
    expect(JSON.parse(out)).toHaveProperty(
      args[0] === 'doctor' ? 'findings' : args[1] === 'groups' ? 'groups' : 'items',
    );
    expect(out).not.toContain('\u001b');
  });

  it('--watch with --json writes one line each time, until it is told to end', async () => {
    const ending = new AbortController();
    const written: string[] = [];
    const watching = rejoin(['lag', '--json', '--watch', '1s'], {}, ending.signal, (text) => {
      written.push(text);
      if (written.length === 2) ending.abort();
    });
    expect((await watching).code).toBe(0);
    expect(written).toHaveLength(2);
    for (const line of written) {
      expect(line.trim()).not.toContain('\n');
      expect(JSON.parse(line)).toHaveProperty('items');
    }
  });

  it('check says one line and ends with what Nagios expects', async () => {
    expect(await rejoin(['check'])).toMatchObject({ code: 0, out: expect.stringMatching(/^REJOIN OK - /) });
    expect(await rejoin(['check', '--url', 'http://127.0.0.1:1'])).toMatchObject({
      code: 3,
      out: expect.stringMatching(/^REJOIN UNKNOWN - /),
    });
    await rejoin([
      'publish',
      '--id',
      'c-1',
      '--type',
      'order.paid',
      '--tenant',
      'acme',
      '--subject',
      '1',
      '--data',
      '{"customerId":"u-1"}',
    ]);
    expect(await rejoin(['check', '--max-lag', '0'])).toMatchObject({
      code: 2,
      out: expect.stringContaining('CRITICAL'),
    });
  });
});

describe('events', () => {
  it('are published, found, traced and judged', async () => {
    const published = await rejoin(['publish', '--id', 'e-1', '--type', 'order.paid', '--tenant', 'bolt', '--json']);
    expect(JSON.parse(published.out).results).toMatchObject([{ id: 'e-1', duplicate: false }]);
    const peeked = await rejoin(['peek', '--tenant', 'bolt']);
    expect(peeked.out).toContain('e-1');
    const traced = await rejoin(['trace', 'e-1', '--tenant', 'bolt', '--user', 'u-1']);
    expect(traced).toMatchObject({ code: 0, out: expect.stringContaining('WAITING') });
    expect((await rejoin(['trace', 'nothing-like-it'])).code).toBe(4);
  });
});

describe('commands that act', () => {
  it('do nothing off a terminal without --yes', async () => {
    const refused = await rejoin(['pause', '3', '--for', '10m', '--reason', 'a test']);
    expect(refused).toMatchObject({ code: 6, err: expect.stringContaining('--yes') });
    expect(JSON.parse((await rejoin(['lag', '--json'])).out).items[3].paused).toBeNull();
  });

  it('pause and resume, and leave their reasons in the audit', async () => {
    expect((await rejoin(['pause', '3', '--for', '10m', '--reason', 'a test', '--dry-run'])).out).toContain('would be');
    expect((await rejoin(['pause', '3', '--for', '10m', '--reason', 'a test', '--yes'])).code).toBe(0);
    expect(JSON.parse((await rejoin(['lag', '--json'])).out).items[3].paused).toMatchObject({
      reason: 'a test',
      by: 'olga',
    });
    expect((await rejoin(['resume', '3', '--reason', 'over', '--yes'])).code).toBe(0);
    expect((await rejoin(['audit'])).out).toContain('a test');
  });

  it('are refused with exit code 6 to who may only look', async () => {
    expect((await rejoin(['resume', '3', '--reason', 'x', '--yes', '--token', READER])).code).toBe(6);
  });

  it('redrive and disconnect nothing where there is nothing', async () => {
    expect((await rejoin(['dlq', 'redrive', '--all', '--reason', 'x', '--yes'])).code).toBe(0);
    expect((await rejoin(['dlq', 'redrive', '--reason', 'x', '--yes'])).code).toBe(2);
    const gone = await rejoin(['disconnect', '--tenant', 'acme', '--reason', 'x', '--yes', '--json']);
    expect(JSON.parse(gone.out)).toMatchObject({ matched: 0, disconnected: 0 });
  });
});

describe('usage', () => {
  it('what is wrong ends with 2 and says so on stderr', async () => {
    for (const args of [
      ['nonsense'],
      ['lag', '--nonsense'],
      ['pending'],
      ['pause', '3', '--for', 'long', '--reason', 'x'],
      ['lag', '--sort', 'colour'],
    ]) {
      const { code, out, err } = await rejoin(args);
      expect({ args, code, out }).toEqual({ args, code: 2, out: '' });
      expect(err).not.toBe('');
    }
  });

  it('help has examples, and completion knows every command', async () => {
    const help = await rejoin(['--help']);
    expect(help).toMatchObject({ code: 0, out: expect.stringContaining('Examples:') });
    for (const shell of ['bash', 'zsh', 'fish']) {
      const { code, out } = await rejoin(['completion', shell]);
      expect(code).toBe(0);
      for (const word of ['lag', 'redrive', 'doctor', 'dry-run']) expect(out).toContain(word);
    }
    expect((await rejoin(['completion', 'tcsh'])).code).toBe(2);
  });

  it('without a token, beside nothing that was started here, is refused', async () => {
    expect((await rejoin(['lag'], { REJOIN_TOKEN: '', DATA_DIR: 'nowhere' })).code).toBe(6);
  });

  it('development tokens are made beside a local start only, and are sent to this machine alone', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'rejoin-cli-'));
    try {
      const local = { DATA_DIR: directory };
      expect((await rejoin(['token'], local)).code).toBe(6);
      writeFileSync(join(directory, 'jwt-secret'), `${TEST_JWT_SECRET}\n`);
      const { code, out } = await rejoin(['token', '--sub', 'u-1', '--scope', 'ops:read'], local);
      expect(code).toBe(0);
      expect((await rejoin(['lag', '--token', out.trim()])).code).toBe(0);
      expect((await rejoin(['lag'], { ...local, REJOIN_TOKEN: '' })).code).toBe(0);
      const elsewhere = { ...local, REJOIN_TOKEN: '', REJOIN_OPS_URL: 'http://ops.example.com' };
      expect(await rejoin(['lag'], elsewhere)).toMatchObject({
        code: 6,
        err: expect.stringContaining('a token is needed'),
      });
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
