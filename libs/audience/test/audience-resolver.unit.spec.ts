import { describe, expect, test } from '@jest/globals';
import { type DomainEvent, MAX_AUDIENCE_TOKENS, parseRoom, roomOf } from '@rejoin/protocol';
import fc from 'fast-check';
import {
  AudienceRefusedError,
  type AudienceResolution,
  AudienceResolver,
  MAX_EVENT_ROOMS,
  type MembershipDirectory,
  parseAudienceRules,
  type TypeResolver,
} from '../src/index.ts';

function event(fields: Partial<DomainEvent>): DomainEvent {
  return { specversion: '1.0', id: '1', source: 'test', type: 'order.paid', tenantid: 'acme', ...fields };
}

function resolverOf(...audience: string[]): AudienceResolver {
  return new AudienceResolver({ rules: parseAudienceRules({ rules: [{ type: '*', audience }] }, 'test') });
}

/** What an audience is resolved to where nothing has to be waited for. */
function resolve(resolver: AudienceResolver, event: DomainEvent): AudienceResolution {
  const resolution = resolver.resolve(event);
  if (resolution instanceof Promise) throw new Error('it waits for something');
  return resolution;
}

function texts(resolution: AudienceResolution): string[] {
  if (!resolution.ok) throw new Error(`${resolution.code}: ${resolution.message}`);
  return resolution.rooms.map((room) => parseRoom(room).token);
}

describe('the default rules', () => {
  const resolver = new AudienceResolver();

  test('send an order event to its customer, to staff and to whoever watches the order', () => {
    const resolution = resolve(resolver, event({ subject: '991', data: { customerId: 'u-1' } }));
    expect(texts(resolution)).toEqual(['user:u-1', 'role:staff', 'order:991']);
  });

  test('send a notification to its user, and a tenant event to the tenant', () => {
    expect(texts(resolve(resolver, event({ type: 'notification.new', data: { userId: 7 } })))).toEqual(['user:7']);
    expect(texts(resolve(resolver, event({ type: 'tenant.renamed' })))).toEqual(['tenant']);
  });

  test('have nothing to say about other types', () => {
    expect(resolve(resolver, event({ type: 'invoice.sent' }))).toMatchObject({ ok: false, code: 'NO_AUDIENCE_RULE' });
  });
});

test('an explicit audience wins over the rules', () => {
  const resolution = resolve(new AudienceResolver(), event({ audience: 'user:a, role:b,user:a' }));
  expect(texts(resolution)).toEqual(['user:a', 'role:b']);
});

test.each([
  ['nonsense', 'AUDIENCE_INVALID'],
  ['', 'AUDIENCE_INVALID'],
])('an explicit audience of "%s" is refused with %s', (audience, code) => {
  expect(resolve(new AudienceResolver(), event({ audience }))).toMatchObject({ ok: false, code });
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
  const resolver = new AudienceResolver({ rules });
  for (let round = 0; round < 2; round++) {
    expect(texts(resolve(resolver, event({ type: 'order.paid' })))).toEqual(['role:accounts']);
    expect(texts(resolve(resolver, event({ type: 'order.made' })))).toEqual(['role:staff']);
  }
});

test('more types than are remembered change nothing', () => {
  const resolver = new AudienceResolver({
    rules: parseAudienceRules({ rules: [{ type: 'a.*', audience: ['tenant'] }] }, 'test'),
  });
  for (let i = 0; i < 2_100; i++) {
    expect(resolve(resolver, event({ type: i % 2 ? `a.${i}` : `b.${i}` })).ok).toBe(i % 2 === 1);
  }
});

describe('a template', () => {
  test('takes attributes, extensions and paths into data, alone or joined', () => {
    const resolver = resolverOf('user:{data.a.b}', 'order:{subject}-{id}', 'role:{region}', 'shop:x{data.list.1}y');
    const resolution = resolve(
      resolver,
      event({ subject: 's', region: 'eu', data: { a: { b: 'u, 1' }, list: ['p', 'q'] } }),
    );
    expect(texts(resolution)).toEqual(['user:u, 1', 'order:s-1', 'role:eu', 'shop:xqy']);
  });

  test('stands for one token per element of an array, each once', () => {
    const resolver = resolverOf('user:{data.ids}', 'user:b');
    expect(texts(resolve(resolver, event({ data: { ids: ['a', 'b', 3, 'a'] } })))).toEqual([
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
    expect(resolve(resolverOf('user:{data.id}'), event({ data }))).toMatchObject({
      ok: false,
      code: 'AUDIENCE_TEMPLATE',
    });
  });

  test('never reads what every object inherits', () => {
    for (const path of ['data.constructor.name', 'data.__proto__', 'data.toString.name']) {
      expect(resolve(resolverOf(`user:{${path}}`), event({ data: {} }))).toMatchObject({ code: 'AUDIENCE_TEMPLATE' });
    }
  });

  test.each(['', 'a\u0000b', 'a\nb', '\ud800', 'x'.repeat(252)])('refuses the id %j, as publishing does', (id) => {
    expect(resolve(resolverOf('user:{data.id}'), event({ data: { id } }))).toMatchObject({ code: 'AUDIENCE_INVALID' });
  });

  test('keeps the longest id that publishing accepts', () => {
    expect(resolve(resolverOf('user:{data.id}'), event({ data: { id: 'x'.repeat(251) } })).ok).toBe(true);
  });

  test('refuses more tokens than one event may have, however they come about', () => {
    const ids = (count: number, from = 0): number[] => Array.from({ length: count }, (_, index) => from + index);
    const tooLarge = { ok: false, code: 'AUDIENCE_TOO_LARGE' };
    const resolver = resolverOf('user:{data.a}', 'user:{data.b}');
    expect(resolve(resolver, event({ data: { a: ids(500), b: ids(500, 500) } })).ok).toBe(true);
    expect(resolve(resolver, event({ data: { a: ids(501), b: ids(500, 501) } }))).toMatchObject(tooLarge);
    expect(resolve(resolver, event({ data: { a: ids(MAX_AUDIENCE_TOKENS + 1), b: ids(1) } }))).toMatchObject(tooLarge);
    const product = resolverOf('user:{data.a}-{data.b}');
    expect(resolve(product, event({ data: { a: ids(100), b: ids(100) } }))).toMatchObject(tooLarge);
  });

  test('resolves any data to rooms of the tenant, or says why not, and never throws', () => {
    const resolver = resolverOf('user:{data.id}', 'order:{data.id}');
    fc.assert(
      fc.property(fc.jsonValue(), fc.string({ unit: 'binary' }), (id, text) => {
        for (const data of [{ id }, { id: text }, id]) {
          const resolution = resolve(resolver, event({ data }));
          if (resolution.ok) {
            expect(resolution.rooms.length).toBeGreaterThan(0);
            for (const room of resolution.rooms) expect(room).toMatch(/^acme:/);
          } else expect(resolution.message).not.toBe('');
        }
      }),
    );
  });
});

describe('a resolver registered in code', () => {
  const ask = (resolve: TypeResolver['resolve'], options: Partial<TypeResolver> = {}, signal?: AbortSignal) =>
    new AudienceResolver({ resolvers: [{ type: 'order.*', resolve, ...options }] }).resolve(
      event({ subject: '1', data: { customerId: 'c' } }),
      signal,
    );

  test('is asked before the rules, for its types alone, and answers at once or later', async () => {
    const resolver = new AudienceResolver({
      resolvers: [
        { type: 'order.made', resolve: () => 'role:a, role:b' },
        { type: 'order.*', resolve: async () => ['user:x, y', 'role:a', 'role:a'] },
      ],
    });
    expect(texts(resolve(resolver, event({ type: 'order.made' })))).toEqual(['role:a', 'role:b']);
    expect(texts(await resolver.resolve(event({})))).toEqual(['user:x, y', 'role:a']);
    expect(texts(resolve(resolver, event({ type: 'tenant.renamed' })))).toEqual(['tenant']);
    expect(texts(resolve(resolver, event({ audience: 'role:own' })))).toEqual(['role:own']);
  });

  test.each([null, undefined])('that answers %s leaves the event to the rules', async (answer) => {
    for (const resolved of [ask(() => answer), ask(async () => answer)]) {
      expect(texts(await resolved)).toEqual(['user:c', 'role:staff', 'order:1']);
    }
  });

  test.each<[unknown, RegExp]>([
    ['nonsense', /nonsense/],
    [[], /names nobody/],
    [['user:a', 'x'], /"x"/],
    [7, /neither text nor/],
    [[{}], /neither text nor/],
    [Array.from({ length: MAX_AUDIENCE_TOKENS + 1 }, (_, i) => `user:${i}`), /more than 1000/],
  ])('that answers %j fails for good', async (answer, message) => {
    for (const resolved of [ask(() => answer as never), ask(async () => answer as never)]) {
      expect(await resolved).toMatchObject({
        ok: false,
        transient: false,
        code: 'AUDIENCE_INVALID',
        message: expect.stringMatching(message),
      });
    }
  });

  test('that throws may be asked again, and one that refuses may not', async () => {
    const down = new Error('down');
    const fail = (error: unknown) => (): never => {
      throw error;
    };
    for (const resolved of [ask(fail(down)), ask(() => Promise.reject(down))]) {
      expect(await resolved).toMatchObject({
        transient: true,
        code: 'RESOLVER_FAILED',
        resolver: 'order.*',
        cause: down,
        message: 'resolver order.* failed: down',
      });
    }
    const refused = new AudienceRefusedError('a secret');
    for (const resolved of [ask(fail(refused)), ask(() => Promise.reject(refused))]) {
      expect(await resolved).toMatchObject({ transient: false, code: 'RESOLVER_REFUSED' });
    }
  });

  test('is not waited for beyond its deadline, and learns of it', async () => {
    let seen: AbortSignal | undefined;
    const resolved = ask(
      (_, signal) => {
        seen = signal;
        return new Promise(() => undefined);
      },
      { deadlineMs: 5, name: 'crm' },
    );
    expect(await resolved).toMatchObject({ transient: true, code: 'RESOLVER_TIMEOUT', resolver: 'crm' });
    expect(seen?.aborted).toBe(true);
  });

  test('is not waited for when the caller gives up, before or while it is asked', async () => {
    const never = (): Promise<never> => new Promise(() => undefined);
    const caller = new AbortController();
    const resolved = ask(never, {}, caller.signal);
    caller.abort();
    const given = { ok: false, transient: true, code: 'RESOLUTION_CANCELLED' };
    expect(await resolved).toMatchObject(given);
    expect(await ask(never, {}, caller.signal)).toMatchObject(given);
  });

  test('has a bounded number of questions to answer at a time, and gets to all of them', async () => {
    let running = 0;
    let most = 0;
    const resolver = new AudienceResolver({
      resolvers: [
        {
          type: '*',
          resolve: async ({ id }) => {
            most = Math.max(most, ++running);
            await new Promise((resolve) => setImmediate(resolve));
            running--;
            if (id === '7') throw new Error('down');
            return `user:${id}`;
          },
        },
      ],
    });
    const resolved = await Promise.all(
      Array.from({ length: 200 }, (_, i) => Promise.resolve(resolver.resolve(event({ id: String(i) })))),
    );
    expect(resolved.filter(({ ok }) => ok)).toHaveLength(199);
    expect(most).toBe(32);
  });
});

describe('a group', () => {
  const directory = (sizes: Record<string, number>, later = false): MembershipDirectory => ({
    members(tenantId, group) {
      const size = sizes[group] ?? 0;
      const rooms = Array.from({ length: size }, (_, i) => roomOf(tenantId, { kind: 'user', id: `${group}-${i}` }));
      const members = { size, rooms: size > 1_000 ? null : rooms };
      return later ? Promise.resolve(members) : members;
    },
  });

  test('is looked up in the event’s own tenant, named by the event, a rule or a resolver', async () => {
    const resolver = new AudienceResolver({
      rules: parseAudienceRules({ rules: [{ type: '*', audience: ['group:{data.team}', 'user:x'] }] }, 'test'),
      resolvers: [{ type: 'order.made', resolve: () => ['group:b'] }],
    });
    for (const later of [false, true]) {
      const asked = resolver.withGroups(directory({ a: 2, b: 1 }, later));
      expect(texts(await asked.resolve(event({ audience: 'group:a' })))).toEqual(['user:a-0', 'user:a-1']);
      const ruled = await asked.resolve(event({ data: { team: ['a', 'b'] } }));
      expect(texts(ruled)).toEqual(['user:x', 'user:b-0', 'user:a-0', 'user:a-1']);
      expect(texts(await asked.resolve(event({ type: 'order.made' })))).toEqual(['user:b-0']);
      const other = await asked.resolve(event({ audience: 'group:a', tenantid: 'other' }));
      expect(other).toEqual({ ok: true, rooms: ['other:user%3Aa-0', 'other:user%3Aa-1'] });
    }
  });

  test('is reached through a room of its own where it is large, or where the rooms of all would be too many', () => {
    const groups = directory({ large: 1_001, a: 1_000, b: 999, c: 700 });
    const rooms = (audience: string): readonly string[] => {
      const resolution = resolve(new AudienceResolver({ groups }), event({ audience }));
      return resolution.ok ? resolution.rooms : [];
    };
    expect(rooms('group:large')).toEqual(['acme:group%3Alarge']);
    expect(rooms('group:a,group:b,user:x')).toHaveLength(2_000);
    expect(rooms('group:a,group:b,user:x,user:y')).toHaveLength(1 + 999 + 2);
    expect(rooms('group:c,group:a,group:b')).toHaveLength(700 + 999 + 1);
    expect(rooms(Array.from({ length: 1_000 }, (_, i) => `group:${i}`).join())).toEqual([]);
  });

  test('never makes more rooms than one event may have', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 1_200 }), { maxLength: 8 }),
        fc.integer({ min: 1, max: 900 }),
        (sizes, users) => {
          const groups = directory(Object.fromEntries(sizes.map((size, i) => [`g${i}`, size])));
          const audience = [
            ...sizes.map((_, i) => `group:g${i}`),
            ...Array.from({ length: users }, (_, i) => `user:${i}`),
          ].join();
          const resolution = resolve(new AudienceResolver({ groups }), event({ audience }));
          if (!resolution.ok) throw new Error(resolution.message);
          expect(resolution.rooms.length).toBeLessThanOrEqual(MAX_EVENT_ROOMS);
          expect(new Set(resolution.rooms).size).toBe(resolution.rooms.length);
        },
      ),
      { numRuns: 50 },
    );
  });

  test('whose directory fails is a transient failure that carries the cause', async () => {
    const cause = new Error('away');
    for (const members of [
      () => Promise.reject(cause),
      () => {
        throw cause;
      },
    ]) {
      const resolution = await new AudienceResolver({ groups: { members } }).resolve(event({ audience: 'group:a' }));
      expect(resolution).toMatchObject({ ok: false, transient: true, code: 'DIRECTORY_UNAVAILABLE', cause });
    }
  });

  test('without a directory is reached through its room', () => {
    expect(texts(resolve(new AudienceResolver(), event({ audience: 'group:a' })))).toEqual(['group:a']);
  });

  test('and everything else of an audience is explained: each room with what named it', async () => {
    const resolver = new AudienceResolver({
      rules: parseAudienceRules(
        {
          rules: [
            { type: 'x', audience: ['tenant'] },
            { type: 'order.*', audience: ['user:{subject}', 'group:a', 'group:none'] },
          ],
        },
        'test',
      ),
      resolvers: [{ type: 'order.made', name: 'crm', resolve: async () => 'group:large' }],
      groups: directory({ a: 1, large: 5_000 }, true),
    });
    const ruled = { kind: 'rule', rule: 1, type: 'order.*' };
    expect(await resolver.explain(event({ subject: 'u' }))).toEqual({
      ok: true,
      recipients: [
        { room: 'acme:user%3Au', audience: 'user:u', source: { ...ruled, template: 'user:{subject}' } },
        { room: 'acme:user%3Aa-0', audience: 'user:a-0', group: 'a', source: { ...ruled, template: 'group:a' } },
      ],
      groups: [
        { group: 'none', size: 0, reachedBy: 'members' },
        { group: 'a', size: 1, reachedBy: 'members' },
      ],
    });
    expect(await resolver.explain(event({ type: 'order.made' }))).toEqual({
      ok: true,
      recipients: [
        {
          room: 'acme:group%3Alarge',
          audience: 'group:large',
          group: 'large',
          source: { kind: 'resolver', resolver: 'crm' },
        },
      ],
      groups: [{ group: 'large', size: 5_000, reachedBy: 'room' }],
    });
    expect(await resolver.explain(event({ audience: 'role:x' }))).toMatchObject({
      recipients: [{ audience: 'role:x', source: { kind: 'event' } }],
    });
    expect(await resolver.explain(event({ type: 'y' }))).toMatchObject({ ok: false, code: 'NO_AUDIENCE_RULE' });
  });
});
