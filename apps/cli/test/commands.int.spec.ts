import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ChildApp, eventually, TEST_JWT_SECRET, testRedis, tokenFor, uniquePrefix } from '@rejoin/testing';
import { type CommandLineOptions, type Outcome, runCommandLine } from './command-line.ts';

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

/** Runs one command line against the ops process, off a terminal. */
function rejoin(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  options: Omit<CommandLineOptions, 'environment'> = {},
): Promise<Outcome> {
  const own = { REJOIN_OPS_URL: ops.url, REJOIN_TOKEN: OPERATOR, ...environment };
  return runCommandLine(args, { environment: own, ...options });
}

describe('commands that look', () => {
  it.each([
    [['lag'], 'STATUS'],
    [['pending', '0'], 'DELIVERIES'],
    [['peek'], 'AUDIENCE'],
    [['dlq', 'list'], 'CODE'],
    [['dlq', 'groups'], 'CAUSE'],
    [['dlq', 'tasks'], 'HANDLED'],
    [['coverage'], 'COVERED'],
    [['sockets'], 'TRANSPORT'],
    [['blocks'], 'UNTIL'],
    [['tenants'], 'ROOM WRITES'],
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

  it('are coloured on a terminal and fit it, and not coloured with NO_COLOR', async () => {
    const terminal = { columns: 60, rows: 24 };
    const coloured = await rejoin(['lag'], {}, { terminal });
    expect(coloured.out).toContain('\u001b[1m');
    const { out } = await rejoin(['lag'], { NO_COLOR: '1' }, { terminal });
    expect(out).not.toContain('\u001b');
    for (const line of out.split('\n').slice(0, -2)) expect(line.length).toBeLessThanOrEqual(60);
  });

  it('--watch with --json writes one line each time, until it is told to end', async () => {
    const ending = new AbortController();
    const written: string[] = [];
    const onOut = (text: string): void => {
      written.push(text);
      if (written.length === 2) ending.abort();
    };
    const watching = rejoin(['lag', '--json', '--watch', '1s'], {}, { signal: ending.signal, onOut });
    expect((await watching).code).toBe(0);
    expect(written).toHaveLength(2);
    for (const line of written) {
      expect(line.trim()).not.toContain('\n');
      expect(JSON.parse(line)).toHaveProperty('items');
    }
  });

  it('--watch on a terminal draws over what it drew', async () => {
    const ending = new AbortController();
    const pictures: string[] = [];
    const onOut = (text: string): void => {
      pictures.push(text);
      if (pictures.length === 2) ending.abort();
    };
    const terminal = { columns: 100, rows: 24 };
    const watching = rejoin(['lag', '--watch', '1s'], {}, { signal: ending.signal, onOut, terminal });
    expect((await watching).code).toBe(0);
    expect(pictures).toHaveLength(2);
    for (const picture of pictures) expect(picture).toContain('STATUS');
    expect(pictures[1]?.startsWith('\u001b[H')).toBe(true);
  });

  it('check says one line and ends with what Nagios expects', async () => {
    const { code, out, err } = await rejoin(['check']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(
      /^REJOIN OK - 8 partitions, [^|\n]+ \| lag=0;10000;100000;0 age=0s;30;300;0 pending=0;;;0 dead_letters=0;;;0\n$/,
    );
    expect(await rejoin(['check', '--max-lag', 'many'])).toMatchObject({ code: 3, out: '' });
    expect(JSON.parse((await rejoin(['check', '--json'])).out)).toMatchObject({ state: 'ok' });
    expect(await rejoin(['check', '--url', 'http://127.0.0.1:1'])).toMatchObject({
      code: 3,
      out: expect.stringMatching(/^REJOIN UNKNOWN - /),
    });
    await rejoin([
      'publish',
      '--yes',
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
    // A sample that was taken just before is still told.
    await eventually(async () => {
      expect(await rejoin(['check', '--max-lag', '0'])).toMatchObject({
        code: 2,
        out: expect.stringContaining('CRITICAL'),
      });
    });
  });
});

describe('events', () => {
  it('are published, found, traced and judged', async () => {
    const published = await rejoin([
      'publish',
      '--yes',
      '--id',
      'e-1',
      '--type',
      'order.paid',
      '--tenant',
      'bolt',
      '--json',
    ]);
    expect(JSON.parse(published.out).results).toMatchObject([{ id: 'e-1', duplicate: false }]);
    const peeked = await rejoin(['peek', '--tenant', 'bolt']);
    expect(peeked.out).toContain('e-1');
    const traced = await rejoin(['trace', 'e-1', '--tenant', 'bolt', '--user', 'u-1']);
    expect(traced).toMatchObject({ code: 0, out: expect.stringContaining('WAITING') });
    expect((await rejoin(['trace', 'nothing-like-it'])).code).toBe(4);
  });
});

describe('events that are tailed', () => {
  it('are written as they are appended, each once, and --json writes a line each', async () => {
    const ending = new AbortController();
    let out = '';
    let begun = false;
    const onOut = (text: string): void => {
      out += text;
    };
    const publish = (id: string): Promise<Outcome> =>
      rejoin(['publish', '--yes', '--id', id, '--type', 'order.paid', '--tenant', 'tailed']);
    await publish('before');
    const tailing = rejoin(['tail', '--tenant', 'tailed', '--json'], {}, { signal: ending.signal, onOut });
    // It begins when it has asked what time it is there; what is published until then may be missed.
    await eventually(async () => {
      await publish(`probe-${randomUUID()}`);
      begun ||= out !== '';
      return begun;
    });
    for (const id of ['t-1', 't-2', 't-3']) await publish(id);
    await eventually(() => out.includes('t-3'));
    ending.abort();
    expect((await tailing).code).toBe(0);
    const ids = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).eventId as string);
    expect(ids.filter((id) => id.startsWith('t-'))).toEqual(['t-1', 't-2', 't-3']);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).not.toContain('before');
  });

  it('a later time is said to publish then', async () => {
    const at = new Date(Date.now() + 3_600_000).toISOString();
    const later = ['publish', '--yes', '--id', 'later', '--type', 'order.paid', '--tenant', 'bolt', '--at', at];
    expect((await rejoin(later)).out).toContain(at);
    expect(JSON.parse((await rejoin([...later, '--json'])).out).results).toMatchObject([
      { cursor: null, deliverAt: at },
    ]);
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

  it('publish nothing off a terminal without --yes', async () => {
    const refused = await rejoin(['publish', '--id', 'unsaid', '--type', 'order.paid', '--tenant', 'acme']);
    expect(refused).toMatchObject({ code: 6, out: '', err: expect.stringContaining('--yes') });
    expect((await rejoin(['trace', 'unsaid'])).code).toBe(4);
  });

  it('keep a user out for a time, show it, and end it early', async () => {
    const user = ['--tenant', 'acme', '--user', 'u-9', '--reason', 'x', '--yes'];
    expect((await rejoin(['disconnect', ...user, '--block', '1h'])).code).toBe(0);
    expect((await rejoin(['blocks', '--tenant', 'acme'])).out).toMatch(/acme +u-9 /);
    expect((await rejoin(['unblock', ...user, '--dry-run'])).out).toContain('would be let in');
    expect((await rejoin(['unblock', ...user])).code).toBe(0);
    expect(JSON.parse((await rejoin(['blocks', '--json'])).out).items).toEqual([]);
    expect((await rejoin(['unblock', ...user])).code).toBe(4);
  });

  it('put users into a group and take them out, with a plan before', async () => {
    const acme = ['--tenant', 'acme'];
    const change = [...acme, '--reason', 'rota', '--yes'];
    expect((await rejoin(['groups', 'add', 'night', 'u-1', 'u-2', ...change, '--dry-run'])).out).toContain(
      '2 would be',
    );
    expect((await rejoin(['groups', 'list', ...acme, '--json'])).out).toContain('"items": []');
    expect((await rejoin(['groups', 'add', 'night', 'u-1', 'u-2', ...change])).code).toBe(0);
    expect((await rejoin(['groups', 'list', ...acme])).out).toContain('night');
    const gone = await rejoin(['groups', 'remove', 'night', 'u-1', 'u-3', ...change, '--json']);
    expect(JSON.parse(gone.out)).toEqual({ dryRun: false, added: 0, removed: 1, size: 1 });
    expect((await rejoin(['groups', 'members', 'night', ...acme])).out).toMatch(/^USER\nu-2\n1 of 1\n$/);
    expect((await rejoin(['audit'])).out).toContain('group.change');
  });

  it('redrive and disconnect nothing where there is nothing', async () => {
    expect((await rejoin(['dlq', 'redrive', '--all', '--reason', 'x', '--yes'])).code).toBe(0);
    expect((await rejoin(['dlq', 'redrive', '--reason', 'x', '--yes'])).code).toBe(2);
    expect((await rejoin(['dlq', 'redrive', '1.1-0', '--all', '--reason', 'x', '--yes'])).code).toBe(2);
    expect((await rejoin(['dlq', 'cancel', 'nothing', '--reason', 'x', '--yes'])).code).toBe(4);
    expect((await rejoin(['dlq', 'show', '1.1-0'])).code).toBe(4);
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
      ['pause', '3', '--for', '10m', '--yes'],
      ['pause', '3', '--for', '10m', '--reason', 'x', '--yes', '--watch'],
      ['publish', '--file', '/nowhere'],
      ['publish', '--id', 'x', '--type', 'order.paid', '--tenant', 'acme', '--data', '{'],
      ['peek', '--url', 'nowhere'],
      ['peek', '--payload'],
      ['dlq', 'show', '1.1-0', '--payload', '--reason', ' '],
    ]) {
      const { code, out, err } = await rejoin(args);
      expect({ args, code, out }).toEqual({ args, code: 2, out: '' });
      expect(err).not.toBe('');
    }
  });

  it('help has examples', async () => {
    for (const args of [[], ['dlq', 'redrive'], ['check'], ['tail'], ['disconnect'], ['completion']]) {
      expect(await rejoin([...args, '--help'])).toMatchObject({
        code: 0,
        out: expect.stringMatching(/Examples?:\n {2}/),
        err: '',
      });
    }
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
      const running = { ops: ops.url, signsTokens: true };
      writeFileSync(join(directory, 'running.json'), JSON.stringify(running));
      // What runs there says where it is.
      const beside = { ...local, REJOIN_TOKEN: '', REJOIN_OPS_URL: '', OPS_PORT: '1' };
      expect((await rejoin(['lag'], beside)).code).toBe(0);
      writeFileSync(join(directory, 'running.json'), JSON.stringify({ ...running, signsTokens: false }));
      expect((await rejoin(['lag'], beside)).code).toBe(6);
      expect((await rejoin(['token'], beside)).code).toBe(6);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
