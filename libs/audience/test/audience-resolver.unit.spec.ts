import { describe, expect, test } from '@jest/globals';
import { type DomainEvent, formatAudienceToken, MAX_AUDIENCE_TOKENS, roomOf } from '@rejoin/protocol';
import fc from 'fast-check';
import { type AudienceResolution, AudienceResolver, parseAudienceRules } from '../src/index.ts';

function event(fields: Partial<DomainEvent>): DomainEvent {
  return { specversion: '1.0', id: '1', source: 'test', type: 'order.paid', tenantid: 'acme', ...fields };
}

function resolverOf(...audience: string[]): AudienceResolver {
  return new AudienceResolver(parseAudienceRules({ rules: [{ type: '*', audience }] }, 'test'));
}

function texts(resolution: AudienceResolution): string[] {
  if (!resolution.ok) throw new Error(`${resolution.code}: ${resolution.message}`);
  return resolution.tokens.map(formatAudienceToken);
}

describe('the default rules', () => {
  const resolver = new AudienceResolver();

  test('send an order event to its customer, to staff and to whoever watches the order', () => {
    const resolution = resolver.resolve(event({ subject: '991', data: { customerId: 'u-1' } }));
    expect(texts(resolution)).toEqual(['user:u-1', 'role:staff', 'order:991']);
  });

  test('send a notification to its user, and a tenant event to the tenant', () => {
    expect(texts(resolver.resolve(event({ type: 'notification.new', data: { userId: 7 } })))).toEqual(['user:7']);
    expect(texts(resolver.resolve(event({ type: 'tenant.renamed' })))).toEqual(['tenant']);
  });

  test('have nothing to say about other types', () => {
    expect(resolver.resolve(event({ type: 'invoice.sent' }))).toMatchObject({ ok: false, code: 'NO_AUDIENCE_RULE' });
  });
});

test('an explicit audience wins over the rules', () => {
  const resolution = new AudienceResolver().resolve(event({ audience: 'user:a, role:b,user:a' }));
  expect(texts(resolution)).toEqual(['user:a', 'role:b']);
});

test.each([
  ['nonsense', 'AUDIENCE_INVALID'],
  ['', 'AUDIENCE_INVALID'],
  ['user:a,group:team', 'GROUP_UNSUPPORTED'],
])('an explicit audience of "%s" is refused with %s', (audience, code) => {
  expect(new AudienceResolver().resolve(event({ audience }))).toMatchObject({ ok: false, code });
});

test('the first rule that matches is used, for each type by itself', () => {
  const rules = parseAudienceRules(
    {
      rules: [
        { type: 'order.paid', audience: ['role:accounts'] },
        { type: 'order.*', audience: ['role:staff'] },
        { type: 'order.paid', audience: ['role:never'] },
      ],
    },
    'test',
  );
  const resolver = new AudienceResolver(rules);
  for (let round = 0; round < 2; round++) {
    expect(texts(resolver.resolve(event({ type: 'order.paid' })))).toEqual(['role:accounts']);
    expect(texts(resolver.resolve(event({ type: 'order.made' })))).toEqual(['role:staff']);
  }
});

test('more types than are remembered change nothing', () => {
  const resolver = new AudienceResolver(parseAudienceRules({ rules: [{ type: 'a.*', audience: ['tenant'] }] }, 'test'));
  for (let i = 0; i < 2_100; i++) {
    expect(resolver.resolve(event({ type: i % 2 ? `a.${i}` : `b.${i}` })).ok).toBe(i % 2 === 1);
  }
});

describe('a template', () => {
  test('takes attributes, extensions and paths into data, alone or joined', () => {
    const resolver = resolverOf('user:{data.a.b}', 'order:{subject}-{id}', 'role:{region}', 'shop:x{data.list.1}y');
    const resolution = resolver.resolve(
      event({ subject: 's', region: 'eu', data: { a: { b: 'u, 1' }, list: ['p', 'q'] } }),
    );
    expect(texts(resolution)).toEqual(['user:u, 1', 'order:s-1', 'role:eu', 'shop:xqy']);
  });

  test('stands for one token per element of an array, each once', () => {
    const resolver = resolverOf('user:{data.ids}', 'user:b');
    expect(texts(resolver.resolve(event({ data: { ids: ['a', 'b', 3, 'a'] } })))).toEqual([
      'user:a',
      'user:b',
      'user:3',
    ]);
  });

  test.each<[string, unknown]>([
    ['is missing', {}],
    ['is null', { id: null }],
    ['is an object', { id: { a: 1 } }],
    ['is a boolean', { id: true }],
    ['is not an integer', { id: 1.5 }],
    ['is an integer that JSON does not carry exactly', { id: 2 ** 53 }],
    ['is an array with something else in it', { id: ['a', {}] }],
    ['is an array of nobody', { id: [] }],
    ['is sought in data that is no object', []],
  ])('fails for good where its field %s', (_, data) => {
    expect(resolverOf('user:{data.id}').resolve(event({ data }))).toMatchObject({
      ok: false,
      code: 'AUDIENCE_TEMPLATE',
    });
  });

  test('never reads what every object inherits', () => {
    for (const path of ['data.constructor.name', 'data.__proto__', 'data.toString.name']) {
      expect(resolverOf(`user:{${path}}`).resolve(event({ data: {} }))).toMatchObject({ code: 'AUDIENCE_TEMPLATE' });
    }
  });

  test.each(['', 'a\u0000b', 'a\nb', '\ud800', 'x'.repeat(252)])('refuses the id %j, as publishing does', (id) => {
    expect(resolverOf('user:{data.id}').resolve(event({ data: { id } }))).toMatchObject({ code: 'AUDIENCE_INVALID' });
  });

  test('keeps the longest id that publishing accepts', () => {
    expect(resolverOf('user:{data.id}').resolve(event({ data: { id: 'x'.repeat(251) } })).ok).toBe(true);
  });

  test('refuses more tokens than one event may have, however they come about', () => {
    const ids = (count: number, from = 0): number[] => Array.from({ length: count }, (_, index) => from + index);
    const tooLarge = { ok: false, code: 'AUDIENCE_TOO_LARGE' };
    const resolver = resolverOf('user:{data.a}', 'user:{data.b}');
    expect(resolver.resolve(event({ data: { a: ids(500), b: ids(500, 500) } })).ok).toBe(true);
    expect(resolver.resolve(event({ data: { a: ids(501), b: ids(500, 501) } }))).toMatchObject(tooLarge);
    expect(resolver.resolve(event({ data: { a: ids(MAX_AUDIENCE_TOKENS + 1), b: ids(1) } }))).toMatchObject(tooLarge);
    const product = resolverOf('user:{data.a}-{data.b}');
    expect(product.resolve(event({ data: { a: ids(100), b: ids(100) } }))).toMatchObject(tooLarge);
  });

  test('resolves any data to rooms of the tenant, or says why not, and never throws', () => {
    const resolver = resolverOf('user:{data.id}', 'order:{data.id}');
    fc.assert(
      fc.property(fc.jsonValue(), fc.string({ unit: 'binary' }), (id, text) => {
        for (const data of [{ id }, { id: text }, id]) {
          const resolution = resolver.resolve(event({ data }));
          if (resolution.ok) {
            expect(resolution.tokens.length).toBeGreaterThan(0);
            for (const token of resolution.tokens) expect(roomOf('acme', token)).toMatch(/^acme:/);
          } else expect(resolution.message).not.toBe('');
        }
      }),
    );
  });
});
