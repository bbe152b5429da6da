import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

const BIN = 'apps/cli/bin/rejoin.mjs';
const LINE = { eventId: 'x'.repeat(10_000), cursor: '', appendedAt: new Date().toISOString() };
/** An API that has more to tell than any reader wants. */
let api: Server;
let url: string;

beforeAll(async () => {
  let made = 0;
  api = createServer((_, response) => {
    const items = Array.from({ length: 50 }, () => ({ ...LINE, cursor: String(made++) }));
    response.end(JSON.stringify({ items, next: 'more', asOf: new Date().toISOString() }));
  });
  await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(api.address() as AddressInfo).port}`;
});

afterAll(() => {
  api.closeAllConnections();
  api.close();
});

function start(bin: string, args: readonly string[]): ChildProcess {
  const env = { PATH: process.env.PATH, REJOIN_OPS_URL: url, REJOIN_TOKEN: 'any' };
  return spawn(process.execPath, [bin, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
}

async function endOf(child: ChildProcess): Promise<{ code: number | null; err: string }> {
  let err = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    err += chunk.toString();
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, err };
}

describe('the program', () => {
  it('ends well where its reader has read enough', async () => {
    const child = start(BIN, ['tail', '--json']);
    child.stdout?.once('data', () => child.stdout?.destroy());
    expect(await endOf(child)).toEqual({ code: 0, err: '' });
  });

  it('ends well with Ctrl-C', async () => {
    const child = start(BIN, ['tail', '--json']);
    child.stdout?.once('data', () => child.kill('SIGINT'));
    child.stdout?.resume();
    expect(await endOf(child)).toEqual({ code: 0, err: '' });
  });

  it('says what to run where it is not built', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'rejoin-bin-'));
    try {
      cpSync(BIN, join(directory, 'bin/rejoin.mjs'));
      const { code, err } = await endOf(start(join(directory, 'bin/rejoin.mjs'), ['lag']));
      expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining('npm run build') });
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
