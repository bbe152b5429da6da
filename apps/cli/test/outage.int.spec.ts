import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { stripVTControlCharacters } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { runCommandLine } from './command-line.ts';

type Reply = 'answer' | 'cut' | 'refuse';

let api: Server;
let replies: Reply[];
let environment: Record<string, string>;

/** An API that is away in between: it replies as `replies` says, and answers when they are used up. */
beforeEach(async () => {
  let made = 0;
  api = createServer((request, response) => {
    const reply = replies.shift() ?? 'answer';
    if (reply === 'cut') return request.socket.destroy();
    response.statusCode = reply === 'refuse' ? 403 : 200;
    const event = {
      cursor: String(made++),
      eventId: `e-${made}`,
      stage: 'waiting',
      appendedAt: new Date().toISOString(),
      audience: [],
    };
    const body = { items: [event], status: 'OK', next: null, asOf: new Date().toISOString(), scanned: 1, total: 1 };
    return response.end(JSON.stringify(reply === 'refuse' ? { code: 'FORBIDDEN', detail: 'no' } : body));
  });
  await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve));
  const { port } = api.address() as AddressInfo;
  environment = { REJOIN_OPS_URL: `http://127.0.0.1:${port}`, REJOIN_TOKEN: 'any' };
});

afterEach(() => {
  api.closeAllConnections();
  api.close();
});

/** What is written until there are as many pieces. */
async function written(args: readonly string[], pieces: number, terminal?: { columns: number; rows: number }) {
  const ending = new AbortController();
  const seen: string[] = [];
  const onOut = (text: string): void => {
    seen.push(stripVTControlCharacters(text));
    if (seen.length === pieces) ending.abort();
  };
  const size = terminal ? { terminal } : {};
  const outcome = await runCommandLine(args, { environment, signal: ending.signal, onOut, ...size });
  return { ...outcome, seen };
}

describe('while the API is away', () => {
  it('--watch keeps what it knew on the screen, says that it is old, and goes on', async () => {
    replies = ['answer', 'cut', 'answer'];
    const { code, seen } = await written(['peek', '--watch', '1s'], 3, { columns: 120, rows: 20 });
    expect(code).toBe(0);
    expect(seen[0]).toContain('e-1');
    expect(seen[1]).toMatch(/^OLD {2}http.* does not answer/);
    expect(seen[1]).toContain('e-1');
    expect(seen[2]).not.toContain('OLD');
    expect(seen[2]).toContain('e-2');
  });

  it('--watch --json writes documents only, and the outage to stderr', async () => {
    replies = ['answer', 'cut', 'answer'];
    const { code, seen, err } = await written(['peek', '--watch', '1s', '--json'], 2);
    expect(code).toBe(0);
    for (const line of seen) expect(JSON.parse(line)).toHaveProperty('items');
    expect(err).toContain('does not answer');
  });

  it('tail goes on where it was', async () => {
    replies = ['answer', 'answer', 'cut', 'answer'];
    const { code, seen, err } = await written(['tail', '--json'], 2);
    expect(code).toBe(0);
    expect(new Set(seen.map((line) => JSON.parse(line).eventId)).size).toBe(2);
    expect(err).toContain('does not answer');
  });

  it('a first answer that does not come is a failure, and a refusal is not waited out', async () => {
    replies = ['cut', 'cut', 'cut', 'cut'];
    expect((await written(['peek', '--watch'], 1)).code).toBe(1);
    expect((await written(['tail'], 1)).code).toBe(1);
    replies = ['answer', 'refuse'];
    expect((await written(['peek', '--watch', '1s', '--json'], 2)).code).toBe(6);
  });
});
