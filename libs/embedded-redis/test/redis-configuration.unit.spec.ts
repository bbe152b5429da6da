import { describe, expect, it } from '@jest/globals';
import { formatRedisConfiguration, type RedisConfiguration, redisUrl } from '../src/redis-configuration.ts';

const configuration: RedisConfiguration = {
  directory: '/data/my "own" redis',
  logFile: '/data/redis.log',
  address: { kind: 'socket', path: '/data/redis.sock' },
  appendOnly: true,
  appendFsync: 'always',
  maxMemoryBytes: 1_048_576,
  directives: {},
};

const lines = (changes: Partial<RedisConfiguration> = {}): string[] =>
  formatRedisConfiguration({ ...configuration, ...changes }).split('\n');

describe('the configuration', () => {
  it('evicts nothing, forks no snapshots, and keeps the append-only file as told', () => {
    expect(lines()).toEqual(
      expect.arrayContaining(['maxmemory-policy noeviction', 'maxmemory 1048576', 'save ""', 'appendonly yes']),
    );
    expect(lines()).toContain('appendfsync always');
    expect(lines({ appendOnly: false })).toContain('appendonly no');
  });

  it('quotes what holds spaces or quotes, so that it stays one argument', () => {
    expect(lines()).toContain(String.raw`dir "/data/my \"own\" redis"`);
  });

  it('listens on a socket of its owner alone, or on the loopback interface, never on both', () => {
    expect(lines()).toEqual(expect.arrayContaining(['port 0', 'unixsocket /data/redis.sock', 'unixsocketperm 700']));
    const tcp = lines({ address: { kind: 'tcp', port: 7_001, password: 'pw' } });
    expect(tcp).toEqual(expect.arrayContaining(['bind 127.0.0.1', 'port 7001', 'requirepass pw']));
    expect(tcp.join('\n')).not.toContain('unixsocket');
  });

  it('takes more directives, with one or several arguments, also in place of its own', () => {
    const changed = lines({ directives: { save: ['60', '1'], 'enable-debug-command': 'local' } });
    expect(changed).toEqual(expect.arrayContaining(['save 60 1', 'enable-debug-command local']));
    expect(changed).not.toContain('save ""');
  });
});

describe('the URL', () => {
  it('escapes a socket path', () => {
    expect(redisUrl({ kind: 'socket', path: '/a b/#1/?/%/redis.sock' })).toBe('unix:///a%20b/%231/%3F/%25/redis.sock');
  });

  it('carries the password of a port that has one', () => {
    expect(redisUrl({ kind: 'tcp', port: 7_001 })).toBe('redis://127.0.0.1:7001');
    expect(redisUrl({ kind: 'tcp', port: 7_001, password: 'pw' })).toBe('redis://:pw@127.0.0.1:7001');
  });
});
