import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { parseEvent } from '@rejoin/protocol';
import { AudienceResolver, InvalidResolversError, loadTypeResolvers } from '../src/index.ts';

const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/${name}.mjs`, import.meta.url));

async function problemsOf(name: string): Promise<readonly string[]> {
  const error = await loadTypeResolvers(fixture(name)).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(InvalidResolversError);
  return (error as InvalidResolversError).problems;
}

test('resolvers of a module, made by a function, are asked', async () => {
  const resolver = new AudienceResolver({ resolvers: await loadTypeResolvers(fixture('resolvers')) });
  const event = { specversion: '1.0', id: '1', source: '/a', type: 'invoice.sent', tenantid: 'acme', subject: 'u-1' };
  const parsed = parseEvent(event);
  if (!parsed.ok) throw new Error('bad event');
  expect(await resolver.resolve(parsed.event)).toMatchObject({ ok: true, rooms: ['acme:user%3Au-1'] });
});

test('what is wrong with a module’s resolvers is said of each', async () => {
  expect(await problemsOf('bad-resolvers')).toEqual([
    expect.stringContaining('[0].type'),
    expect.stringContaining('[1].deadlineMs'),
    expect.stringContaining('[1].resolve'),
    expect.stringContaining('[2] must be an object'),
  ]);
});

test('a module without a list, and one that is not there, are refused in words', async () => {
  expect((await problemsOf('no-list'))[0]).toMatch(/must export `resolvers`/);
  expect((await problemsOf('nowhere'))[0]).toMatch(/nowhere/);
});
