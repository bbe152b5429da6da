import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ChildApp, eventually, TEST_JWT_SECRET, testRedis, tokenFor, uniquePrefix } from '@rejoin/testing';
import { io, type Socket } from 'socket.io-client';
import { type CommandLineOptions, type Outcome, runCommandLine } from './command-line.ts';

const OPERATOR = tokenFor({ sub: 'olga', scope: 'ops:read ops:write events:publish' });
const apps: ChildApp[] = [];
let ops: ChildApp;
let gateway: ChildApp;
let socket: Socket;

/** Runs one command line against the whole system, off a terminal. */
function rejoin(args: readonly string[], options: CommandLineOptions = {}): Promise<Outcome> {
  return runCommandLine(args, {
    ...options,
    environment: { REJOIN_OPS_URL: ops.url, REJOIN_TOKEN: OPERATOR, ...options.environment },
  });
}

// biome-ignore lint/suspicious/noExplicitAny: each test says what it expects
async function json(args: readonly string[]): Promise<any> {
  return JSON.parse((await rejoin([...args, '--json'])).out);
}

function publish(id: string, type: string): Promise<Outcome> {
  const data = '{"customerId":"u-1"}';
  return rejoin([
    'publish',
    '--yes',
    '--id',
    id,
    '--type',
    type,
    '--tenant',
    'acme',
    '--subject',
    '991',
    '--data',
    data,
  ]);
}

beforeAll(async () => {
  const env = {
    REDIS_URL: testRedis(),
    REJOIN_PREFIX: uniquePrefix(),
    JWT_SECRET: TEST_JWT_SECRET,
    PORT: '0',
    OPS_PORT: '0',
  };
  const start = (app: string): Promise<ChildApp> => ChildApp.start({ app, env, readyTimeoutMs: 60_000 });
  const starting = ['ops', 'gateway', 'worker'].map(async (app) => {
    const started = await start(app);
    apps.push(started);
    return started;
  });
  [ops, gateway] = (await Promise.all(starting)) as [ChildApp, ChildApp, ChildApp];
  socket = io(gateway.url, {
    auth: { token: tokenFor({ sub: 'u-1', tenant: 'acme' }) },
    transports: ['websocket'],
    reconnection: false,
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('rejoin:ready', () => resolve());
    socket.once('connect_error', reject);
  });
});

afterAll(async () => {
  socket?.disconnect();
  await Promise.all(apps.map((app) => app.stop()));
});

describe('beside a gateway and a worker', () => {
  it('an event is published, delivered and traced to its user', async () => {
    const received = new Promise((resolve) => socket.once('order.paid', resolve));
    expect((await publish('s-1', 'order.paid')).code).toBe(0);
    await received;
    const traced = await eventually(async () => {
      const { verdict } = await json(['trace', 's-1', '--tenant', 'acme', '--user', 'u-1']);
      return verdict?.verdict.startsWith('DELIVERED') ? verdict : null;
    });
    const { out } = await rejoin(['trace', 's-1', '--tenant', 'acme', '--user', 'u-1']);
    expect(out).toContain(traced.summary);
    expect((await json(['peek', '--tenant', 'acme', '--stage', 'fanned_out'])).items).toMatchObject([
      { eventId: 's-1' },
    ]);
  });

  it('sockets shows who is connected; disconnect tells them to go', async () => {
    const page = await json(['sockets', '--tenant', 'acme']);
    expect(page).toMatchObject({ total: 1, partial: false, items: [{ user: 'u-1', transport: 'websocket' }] });
    expect((await rejoin(['sockets'])).out).toContain(page.items[0].socketId);
    const leave = ['disconnect', '--tenant', 'acme', '--user', 'u-1', '--reason', 'a test'];
    expect(await rejoin(leave)).toMatchObject({ code: 6, out: '', err: expect.stringContaining('--yes') });
    expect((await rejoin([...leave, '--dry-run'])).out).toContain('1 connection would go');
    expect(socket.connected).toBe(true);
    const gone = new Promise((resolve) => socket.once('disconnect', resolve));
    expect(await rejoin([...leave, '--yes'])).toMatchObject({
      code: 0,
      out: expect.stringContaining('1 connection gone'),
    });
    await gone;
    expect((await json(['sockets', '--tenant', 'acme'])).total).toBe(0);
  });

  it('dead letters are listed, grouped, shown, redriven with progress, and discarded', async () => {
    for (const id of ['d-1', 'd-2', 'd-3']) await publish(id, 'odd.thing');
    const all = await eventually(async () => {
      const page = await json(['dlq', 'list', '--code', 'NO_AUDIENCE_RULE']);
      return page.items.length === 3 ? page : null;
    });
    const [{ id, fingerprint }] = all.items;
    expect((await rejoin(['dlq', 'list'])).out).toContain(id);
    expect((await rejoin(['dlq', 'groups'])).out).toContain(fingerprint);
    const shown = await rejoin(['dlq', 'show', id]);
    expect(shown.out).toContain('NO_AUDIENCE_RULE');
    expect(shown.out).not.toContain('customerId');
    const payload = await rejoin(['dlq', 'show', id, '--payload', '--reason', 'ticket 12']);
    expect(payload.out).toContain('customerId');
    expect((await rejoin(['audit', '--action', 'payload.show'])).out).toContain('ticket 12');

    const redrive = ['dlq', 'redrive', '--fingerprint', fingerprint, '--reason', 'rule added'];
    expect(await rejoin(redrive)).toMatchObject({ code: 6, err: expect.stringContaining('--yes') });
    const plan = await json([...redrive, '--dry-run']);
    expect(plan).toMatchObject({ dryRun: true, task: null, plan: { matched: 3 } });
    const done = await rejoin([...redrive, '--rate', '6', '--yes'], { terminal: { columns: 100, rows: 24 } });
    expect(done).toMatchObject({ code: 0, out: expect.stringContaining('3 redriven') });
    expect(done.err).toContain('of 3');
    expect((await rejoin(['dlq', 'tasks'])).out).toContain('rule added');

    // There is still no rule, so they come back.
    const again = await eventually(async () => {
      const page = await json(['dlq', 'list']);
      return page.items.length === 3 ? page : null;
    });
    const discarded = await json(['dlq', 'discard', again.items[0].id, '--reason', 'not wanted', '--yes']);
    expect(discarded).toMatchObject({ state: 'done', outcomes: { discarded: 1 } });
    expect((await json(['dlq', 'list'])).items).toHaveLength(2);
  });

  it('Ctrl-C ends a redrive after its step at hand', async () => {
    const ending = new AbortController();
    const slow = ['dlq', 'redrive', '--all', '--reason', 'slowly', '--rate', '1', '--yes', '--json'];
    const running = rejoin(slow, { signal: ending.signal });
    await eventually(async () => (await json(['dlq', 'tasks'])).items.some(isRunning));
    ending.abort();
    const { code, out } = await running;
    expect(code).toBe(5);
    expect(JSON.parse(out)).toMatchObject({ state: 'cancelled', reason: 'slowly' });
  });

  it('a gateway that does not answer is named, and what is known is shown', async () => {
    process.kill(gateway.pid, 'SIGSTOP');
    try {
      const { code, err } = await rejoin(['sockets']);
      expect(code).toBe(5);
      expect(err).toContain('no answer from');
    } finally {
      process.kill(gateway.pid, 'SIGCONT');
    }
  });
});

function isRunning({ state, reason }: { state: string; reason: string }): boolean {
  return state === 'running' && reason === 'slowly';
}
