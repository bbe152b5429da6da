import { describe, expect, it } from '@jest/globals';
import {
  bytes,
  durationMs,
  flag,
  InvalidConfigurationError,
  integer,
  port,
  ports,
  readConfiguration,
  redisVariables,
  text,
  texts,
} from '../src/index.ts';

const variables = {
  window: durationMs('WINDOW', 1_000),
  memory: bytes('MEMORY', undefined),
  port: port('PORT', 3_000),
  ports: ports('PORTS', [1, 2]),
  demo: flag('DEMO', true),
  workers: integer('WORKERS', 2, { min: 1, max: 64 }),
  origins: texts('ORIGINS', [], 'https://a'),
  name: text('NAME', undefined, 'x'),
};

describe('configuration', () => {
  it('has its defaults where a variable is absent or empty', () => {
    expect(readConfiguration(variables, { NAME: ' ' })).toEqual({
      window: 1_000,
      memory: undefined,
      port: 3_000,
      ports: [1, 2],
      demo: true,
      workers: 2,
      origins: [],
      name: undefined,
    });
  });

  it('understands units and lists', () => {
    expect(
      readConfiguration(variables, {
        WINDOW: '1.5h',
        MEMORY: '2GB',
        PORT: '0',
        PORTS: '3000, 3001',
        DEMO: 'false',
        WORKERS: '64',
        ORIGINS: 'https://a, https://b',
        NAME: 'n',
      }),
    ).toEqual({
      window: 5_400_000,
      memory: 2 * 1024 ** 3,
      port: 0,
      ports: [3_000, 3_001],
      demo: false,
      workers: 64,
      origins: ['https://a', 'https://b'],
      name: 'n',
    });
  });

  it('names every bad variable at once, with what is wrong and an example', () => {
    const bad = {
      WINDOW: '24',
      MEMORY: 'much',
      PORT: '65536',
      PORTS: '1,x',
      DEMO: 'maybe',
      WORKERS: '0',
      ORIGINS: ' , ',
    };
    let error: unknown;
    try {
      readConfiguration(variables, bad);
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(InvalidConfigurationError);
    const { problems } = error as InvalidConfigurationError;
    expect(problems.map((problem) => problem.split(' ')[0])).toEqual(Object.keys(bad));
    expect(problems[0]).toBe(
      'WINDOW must be a duration with its unit (ms, s, m, h, d), not "24"; for example WINDOW=24h',
    );
  });

  it('checks the Redis URL and the prefix', () => {
    expect(() => readConfiguration(redisVariables, { REDIS_URL: 'http://x', REJOIN_PREFIX: 'a b' })).toThrow(
      /REDIS_URL[\s\S]*REJOIN_PREFIX/,
    );
  });
});
