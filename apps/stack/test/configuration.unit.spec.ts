import { resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { readStackConfiguration } from '../src/configuration.ts';

describe('the configuration', () => {
  it('needs nothing to be set', () => {
    expect(readStackConfiguration({})).toEqual({
      redisUrl: undefined,
      hasTokenKey: false,
      hasAllowedOrigins: false,
      gatewayPorts: [3_000, 3_001],
      opsPort: 3_100,
      demoPort: 3_200,
      workers: 2,
      dataDirectory: resolve('.data'),
    });
  });

  it('takes every variable of the contract', () => {
    const configuration = readStackConfiguration({
      REDIS_URL: 'redis://redis.example',
      JWT_JWKS_URL: 'https://id.example.com/jwks.json',
      ALLOWED_ORIGINS: 'https://app.example.com',
      GATEWAY_PORTS: '4000, 4001,0',
      OPS_PORT: '4100',
      DEMO: '0',
      WORKERS: '3',
      DATA_DIR: '/var/lib/rejoin',
    });
    expect(configuration).toEqual({
      redisUrl: 'redis://redis.example',
      hasTokenKey: true,
      hasAllowedOrigins: true,
      gatewayPorts: [4_000, 4_001, 0],
      opsPort: 4_100,
      demoPort: undefined,
      workers: 3,
      dataDirectory: '/var/lib/rejoin',
    });
  });

  it('names every bad variable at once, those of the programs too', () => {
    const read = (): unknown =>
      readStackConfiguration({ WORKERS: '0', REPLAY_WINDOW: '24', REDIS_URL: 'http://x', OPS_PORT: '99999' });
    for (const variable of ['WORKERS', 'REPLAY_WINDOW', 'REDIS_URL', 'OPS_PORT']) expect(read).toThrow(variable);
  });

  it('refuses more than one key for tokens', () => {
    expect(() => readStackConfiguration({ JWT_SECRET: 's', JWT_JWKS_URL: 'https://id.example.com/' })).toThrow(
      'JWT_SECRET and JWT_JWKS_URL are set',
    );
  });

  it('refuses a port that is given twice, but not several free ones', () => {
    expect(() => readStackConfiguration({ GATEWAY_PORTS: '3100' })).toThrow('3100 is given twice');
    expect(() => readStackConfiguration({ GATEWAY_PORTS: '3200' })).toThrow('3200 is given twice');
    expect(readStackConfiguration({ GATEWAY_PORTS: '3200', DEMO: '0' }).gatewayPorts).toEqual([3_200]);
    expect(readStackConfiguration({ GATEWAY_PORTS: '0,0', OPS_PORT: '0' }).gatewayPorts).toEqual([0, 0]);
  });
});
