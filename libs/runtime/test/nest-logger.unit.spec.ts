import { expect, it } from '@jest/globals';
import type { Logger } from '../src/index.ts';
import { nestLogger } from '../src/index.ts';

it('says what Nest says as lines among the others, with who said it, and the stack of an error', () => {
  const lines: unknown[] = [];
  const say = (level: string) => (fields: object, message: string) => void lines.push([level, fields, message]);
  const logger = { debug: say('debug'), warn: say('warn'), error: say('error') } as unknown as Logger;
  const nest = nestLogger(logger);
  const failure = new Error('Redis is away');
  nest.log('ready', 'NestFactory');
  nest.warn('late', 'Scheduler');
  nest.error('it failed', 'at line 1', 'ExceptionHandler');
  nest.error(failure, 'ExceptionHandler');
  expect(lines).toEqual([
    ['debug', { context: 'NestFactory' }, 'ready'],
    ['warn', { context: 'Scheduler' }, 'late'],
    ['error', { context: 'ExceptionHandler', stack: 'at line 1' }, 'it failed'],
    ['error', { err: failure, context: 'ExceptionHandler' }, 'Redis is away'],
  ]);
});
