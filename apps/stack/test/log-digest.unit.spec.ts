import { beforeEach, describe, expect, it } from '@jest/globals';
import { LogDigest, type Notice } from '../src/log-digest.ts';

let notices: Notice[];
let digest: LogDigest;

const line = (level: number, msg: string, message?: string): string =>
  JSON.stringify({ level, msg, ...(message === undefined ? {} : { err: { message } }) });

beforeEach(() => {
  notices = [];
  digest = new LogDigest((notice) => notices.push(notice), 10_000, 3);
});

describe('the digest of a log', () => {
  it('shows warnings and errors with their cause, and what goes to standard error', () => {
    digest.add(line(30, 'fine'), 'stdout', 0);
    digest.add(line(40, 'slow', 'disk'), 'stdout', 0);
    digest.add(line(50, 'boom', 'boom'), 'stdout', 0);
    digest.add('(node:1) ExperimentalWarning', 'stderr', 0);
    expect(notices).toEqual([
      { severity: 'warning', message: 'slow: disk', repeated: 0 },
      { severity: 'error', message: 'boom', repeated: 0 },
      { severity: 'warning', message: '(node:1) ExperimentalWarning', repeated: 0 },
    ]);
  });

  it('ignores what is no log line, and empty lines', () => {
    for (const text of ['hello', '{not json', '{"msg":"no level"}', '{"level":50}', '']) digest.add(text, 'stdout', 0);
    digest.add('  ', 'stderr', 0);
    expect(notices).toEqual([]);
  });

  it('shows the same message once in a while, and then how often it came', () => {
    for (let i = 0; i < 5; i += 1) digest.add(line(40, 'slow'), 'stdout', i);
    expect(notices).toHaveLength(1);
    digest.add(line(40, 'slow'), 'stdout', 10_001);
    expect(notices[1]).toEqual({ severity: 'warning', message: 'slow', repeated: 4 });
  });

  it('never floods, however different the messages are, and recovers', () => {
    for (let i = 0; i < 100; i += 1) digest.add(line(40, `slow ${i}`), 'stdout', i);
    expect(notices).toHaveLength(3);
    digest.add(line(40, 'another'), 'stdout', 20_000);
    expect(notices).toHaveLength(4);
  });
});
