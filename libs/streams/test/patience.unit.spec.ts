import { expect, test } from '@jest/globals';
import { untilAnswered } from '../src/index.ts';

const away = (): Error => new Error('Connection is closed.');
const never = new AbortController().signal;

test('what failed because Redis is away, or not ready, is repeated', async () => {
  const outcomes: Error[] = [away(), Object.assign(new Error('LOADING Redis is loading'), { name: 'ReplyError' })];
  const failures: unknown[] = [];
  const attempt = (): Promise<string> => {
    const failure = outcomes.shift();
    return failure ? Promise.reject(failure) : Promise.resolve('there');
  };
  expect(await untilAnswered(attempt, never, (error) => failures.push(error))).toBe('there');
  expect(failures).toHaveLength(2);
});

test('what waiting does not cure is thrown at once', async () => {
  const attempt = () => Promise.reject(new TypeError('a defect'));
  await expect(untilAnswered(attempt, never, () => undefined)).rejects.toThrow('a defect');
});

test('patience ends with its signal', async () => {
  const ending = new AbortController();
  const attempt = () => Promise.reject(away());
  await expect(untilAnswered(attempt, ending.signal, () => ending.abort())).rejects.toThrow('Connection is closed.');
});
