import { describe, expect, it } from '@jest/globals';
import { InvalidRedisUrlError, parseRedisUrl, redact } from '../src/index.ts';

describe('REDIS_URL', () => {
  it('names one server', () => {
    expect(parseRedisUrl('redis://user:pw@host:7000/2')).toEqual({
      kind: 'standalone',
      url: 'redis://user:pw@host:7000/2',
    });
    expect(parseRedisUrl('rediss://host')).toEqual({ kind: 'standalone', url: 'rediss://host' });
    expect(parseRedisUrl('unix:///tmp/a%20b.sock')).toEqual({ kind: 'socket', path: '/tmp/a b.sock' });
  });

  it('names sentinels and their master', () => {
    expect(parseRedisUrl('redis+sentinel://u:p%40ss@one:26379,two/orders/3')).toEqual({
      kind: 'sentinel',
      sentinels: [
        { host: 'one', port: 26_379 },
        { host: 'two', port: 26_379 },
      ],
      name: 'orders',
      db: 3,
      username: 'u',
      password: 'p@ss',
    });
  });

  it('names a cluster’s nodes', () => {
    expect(parseRedisUrl('rediss://:pw@a:1, rediss://b:2,c:3')).toEqual({
      kind: 'cluster',
      nodes: [
        { host: 'a', port: 1 },
        { host: 'b', port: 2 },
        { host: 'c', port: 3 },
      ],
      tls: true,
      password: 'pw',
    });
  });

  it.each(['localhost', 'http://host', 'redis://', 'redis+sentinel://host', 'a,http://b'])('refuses %p', (text) => {
    expect(() => parseRedisUrl(text)).toThrow(InvalidRedisUrlError);
  });

  it('is shown without its password', () => {
    expect(redact('redis://user:secret@host:1,redis://:x@b')).toBe('redis://***@host:1,redis://***@b');
  });
});
