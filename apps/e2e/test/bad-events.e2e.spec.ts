import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type EntryId, MAX_EVENT_BYTES } from '@rejoin/protocol';
import type { Publisher } from '@rejoin/publisher';
import { type ChildApp, eventually, tokenFor, uniquePrefix } from '@rejoin/testing';
import type { Client } from './client.ts';
import { Load, publish } from './load.ts';
import { System } from './system.ts';

jest.setTimeout(120_000);

const TENANT = 'acme';
/** Where the reply of `XINFO STREAM` has the number of entries that were ever added. */
const APPENDED = 11;

let system: System;
let publisher: Publisher;
let ops: ChildApp;
beforeAll(async () => {
  system = await System.start({ gateways: 1 });
  publisher = system.publisher();
  ops = await system.startApp('ops');
});
afterAll(() => system.stop());

type Json = Readonly<Record<string, unknown>>;

const event = (changes: Json = {}): Json => ({
  specversion: '1.0',
  id: uniquePrefix(),
  source: '/e2e',
  type: 'order.paid',
  tenantid: TENANT,
  audience: 'tenant',
  data: {},
  ...changes,
});
const json = (changes: Json = {}): string => JSON.stringify(event(changes));
const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;

/** What somebody may append with plain `XADD`, and the reason with which it is dead-lettered. */
const BAD: readonly (readonly [name: string, fields: readonly (string | Buffer)[], code: string])[] = [
  ['no field "event"', ['payload', json()], 'MISSING_EVENT_FIELD'],
  ['an empty event', ['event', ''], 'INVALID_JSON'],
  ['no JSON', ['event', 'rubbish'], 'INVALID_JSON'],
  ['half an event', ['event', json().slice(0, -5)], 'INVALID_JSON'],
  ['bytes that are not UTF-8', ['event', Buffer.concat([Buffer.from(json()), Buffer.from([0xff, 0xfe])])], 'NOT_UTF8'],
  ['a string that is not UTF-8', ['event', Buffer.from(json({ data: 'x�x' }).replace('�', 'é'), 'latin1')], 'NOT_UTF8'],
  ['null bytes around it', ['event', `\0${json()}\0`], 'INVALID_JSON'],
  ['a null byte in a name', ['event', json({ id: 'a\0b' })], 'INVALID_EVENT'],
  ['null', ['event', 'null'], 'INVALID_EVENT'],
  ['a number', ['event', '5'], 'INVALID_EVENT'],
  ['a list of events', ['event', `[${json()}]`], 'INVALID_EVENT'],
  ['an event without an id', ['event', json({ id: undefined })], 'INVALID_EVENT'],
  ['an event without a tenant', ['event', json({ tenantid: undefined })], 'INVALID_EVENT'],
  ['a tenant that is an object', ['event', json({ tenantid: { toString: 'acme' } })], 'INVALID_EVENT'],
  ['a type that means something to Socket.IO', ['event', json({ type: 'disconnect' })], 'INVALID_EVENT'],
  ['a type of this protocol', ['event', json({ type: 'rejoin:ready' })], 'INVALID_EVENT'],
  ['another version of CloudEvents', ['event', json({ specversion: '0.3' })], 'INVALID_EVENT'],
  ['binary data', ['event', json({ data: undefined, data_base64: 'AAAA' })], 'INVALID_EVENT'],
  ['an unknown audience token', ['event', json({ audience: 'everybody' })], 'INVALID_EVENT'],
  ['an audience of nobody', ['event', json({ audience: '' })], 'INVALID_EVENT'],
  ['a group without a name', ['event', json({ audience: 'group:' })], 'INVALID_EVENT'],
  [
    'too many audience tokens',
    ['event', json({ audience: Array.from({ length: 1_001 }, (_, n) => `user:${n}`).join() })],
    'INVALID_EVENT',
  ],
  ['no audience and no rule', ['event', json({ audience: undefined, type: 'weather.changed' })], 'NO_AUDIENCE_RULE'],
  ['nothing for the rule’s template', ['event', json({ audience: undefined })], 'AUDIENCE_TEMPLATE'],
  ['more than 64 KiB', ['event', json({ data: 'x'.repeat(MAX_EVENT_BYTES) })], 'EVENT_TOO_LARGE'],
  ['more than 64 KiB in UTF-8 alone', ['event', json({ data: '☃'.repeat(MAX_EVENT_BYTES / 3) })], 'EVENT_TOO_LARGE'],
  ['many megabytes', ['event', 'x'.repeat(8 * 1024 ** 2)], 'EVENT_TOO_LARGE'],
  ['huge nesting', ['event', json({ data: '@' }).replace('"@"', nested(30_000))], 'EVENT_TOO_DEEP'],
  ['nesting beside the event', ['event', nested(30_000)], 'INVALID_EVENT'],
];

interface DeadLetter {
  readonly code: string;
  readonly message: string;
  readonly event?: string | null;
  readonly eventBase64?: string;
  readonly tenantId?: string;
}

async function append(partition: number, fields: readonly (string | Buffer)[]): Promise<EntryId> {
  return (await system.client.xadd(system.keys.partition(partition).events, '*', ...fields)) as EntryId;
}

async function deadLetterOf(partition: number, entryId: EntryId): Promise<DeadLetter> {
  const { dead } = system.keys.partition(partition);
  return JSON.parse(await eventually(() => system.client.hget(dead, entryId))) as DeadLetter;
}

const failures = () =>
  system.workers.flatMap(({ lines }) => lines.filter(({ text }) => text.includes('starts again from its pending')));

describe('G7', () => {
  it('G7 each kind of bad event is dead-lettered with its reason, while good ones before and after it arrive in order', async () => {
    const { partition } = system.keysOf(TENANT);
    const client = system.connect({ tenant: TENANT, user: 'u1' });
    await client.ready();
    const good: string[] = [];
    const bad: { readonly entryId: EntryId; readonly kind: (typeof BAD)[number] }[] = [];
    const tell = async (): Promise<void> => {
      const id = uniquePrefix();
      good.push(id);
      await publish(publisher, { id, tenant: TENANT, audience: 'tenant' });
    };
    for (const kind of BAD) {
      await tell();
      bad.push({ entryId: await append(partition, kind[1]), kind });
    }
    await tell();
    await client.delivered(good);
    for (const { entryId, kind } of bad) {
      const [name, fields, code] = kind;
      const letter = await deadLetterOf(partition, entryId);
      expect({ name, code: letter.code }).toEqual({ name, code });
      expect(letter.message).not.toBe('');
      // What was appended can be had again, to the byte.
      const bytes = Buffer.from(fields[1] as string);
      if (code === 'MISSING_EVENT_FIELD') expect(letter.event).toContain('payload');
      else if (letter.eventBase64 === undefined) expect(letter.event).toBe(bytes.toString());
      else expect(bytes.subarray(0, 1024 ** 2).equals(Buffer.from(letter.eventBase64, 'base64'))).toBe(true);
    }
    expect(await system.client.hlen(system.keysOf(TENANT).dead)).toBe(BAD.length);
    expect(failures()).toEqual([]);
  });

  it('G7 an event in another partition than its tenant’s is dead-lettered there, and does not reach the tenant', async () => {
    const wrong = (system.keysOf(TENANT).partition + 1) % system.partitions;
    const client = system.connect({ tenant: TENANT, user: 'u1' });
    await client.ready();
    const entryId = await append(wrong, ['event', json()]);
    expect(await deadLetterOf(wrong, entryId)).toMatchObject({ code: 'WRONG_PARTITION', tenantId: TENANT });
    await publish(publisher, { id: 'own', tenant: TENANT, audience: 'tenant' });
    await client.delivered(['own']);
  });

  it('G7 a stream of bad events keeps nobody’s good ones back, of the same tenant or of others', async () => {
    const tenants = [TENANT, uniquePrefix(), uniquePrefix()];
    const clients = tenants.map((tenant) => system.connect({ tenant, user: 'u1' }));
    await Promise.all(clients.map((client) => client.ready()));
    const load = new Load(publisher, 300, (n) => ({
      id: `${clients[0]?.pid}-${n}`,
      tenant: tenants[n % 3] as string,
      audience: 'tenant',
    }));
    const { partition, dead } = system.keysOf(TENANT);
    const before = await system.client.hlen(dead);
    const kinds = BAD.filter(([name]) => name !== 'many megabytes');
    for (let round = 0; round < 20; round++) {
      await Promise.all(kinds.map(([, fields]) => append(partition, fields)));
    }
    const events = await load.stop();
    for (const client of clients) await client.delivered(expectedBy(client, events), { timeoutMs: 20_000 });
    await eventually(async () => (await system.client.hlen(dead)) === before + 20 * kinds.length);
    expect(failures()).toEqual([]);
  });

  it('G7 what is strange but an event is delivered as it is', async () => {
    const client = system.connect({ tenant: TENANT, user: 'u1' });
    await client.ready();
    const data: readonly unknown[] = [
      null,
      '\0',
      '☃ 💥 \u2028 \u202e',
      'x\uFFFDx',
      JSON.parse(nested(500)),
      JSON.parse('{"__proto__":{"polluted":true},"constructor":1}'),
      'x'.repeat(60_000),
    ];
    const ids: string[] = [];
    for (const [index, each] of data.entries()) {
      ids.push(`strange-${index}`);
      await append(system.keysOf(TENANT).partition, ['event', json({ id: `strange-${index}`, data: each })]);
    }
    await client.delivered(ids);
    expect(client.recorder.events.map(({ event: received }) => JSON.stringify(received.data))).toEqual(
      data.map((each) => JSON.stringify(each)),
    );
  });
});

describe('G7 over HTTP', () => {
  const post = async (body: string | Buffer, options: { token?: string; type?: string } = {}) => {
    const { token = tokenFor({ sub: 'orders', scope: 'events:publish' }), type = 'application/json' } = options;
    const headers = { authorization: `Bearer ${token}`, 'content-type': type };
    const response = await fetch(`${ops.url}/v1/events`, { method: 'POST', headers, body: body as BodyInit });
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    return { status: response.status, ...((await response.json()) as object) };
  };
  const publishing = { sub: 'orders', scope: 'events:publish' };

  it('G7 each bad request is refused with its code, and nothing of it is appended', async () => {
    const { events } = system.keysOf(TENANT);
    const appended = async () => ((await system.client.xinfo('STREAM', events)) as unknown[])[APPENDED];
    const before = await appended();
    const invalid = (path: string) => ({ code: 'INVALID_EVENT', errors: [expect.objectContaining({ path })] });
    const cases: readonly (readonly [Promise<object>, number, object])[] = [
      [post('rubbish'), 400, { code: 'INVALID_EVENT' }],
      [post(Buffer.concat([Buffer.from(json()), Buffer.from([0xff])])), 400, { code: 'INVALID_EVENT' }],
      [post(`\0${json()}`), 400, { code: 'INVALID_EVENT' }],
      [post(json({ id: 'a\0b' })), 400, invalid('id')],
      [post(json({ audience: 'everybody' })), 400, invalid('audience')],
      [post(`[${json()},${json({ type: 'connect' })},${json()}]`), 400, invalid('[1].type')],
      [post(json({ data: '@' }).replace('"@"', nested(30_000))), 400, { code: 'INVALID_EVENT' }],
      [post(json({ data: 'x'.repeat(MAX_EVENT_BYTES) })), 413, { code: 'EVENT_TOO_LARGE' }],
      [post('x'.repeat(17 * 1024 ** 2)), 413, { code: 'EVENT_TOO_LARGE' }],
      [post(json(), { type: 'text/plain' }), 415, { code: 'UNSUPPORTED_MEDIA_TYPE' }],
      [post(json(), { token: 'rubbish' }), 401, { code: 'AUTH_INVALID' }],
      [post(json(), { token: tokenFor({ ...publishing, expiresInS: -1 }) }), 401, { code: 'AUTH_EXPIRED' }],
      [post(json(), { token: tokenFor({ sub: 'orders' }) }), 403, { code: 'FORBIDDEN' }],
      [post(json(), { token: tokenFor({ ...publishing, tenant: 'globex' }) }), 403, { code: 'TENANT_FORBIDDEN' }],
    ];
    for (const [answer, status, problem] of cases) expect(await answer).toMatchObject({ status, ...problem });
    expect(await appended()).toBe(before);
  });
});

function expectedBy(client: Client, events: readonly { id: string; tenant: string; audience: string }[]): string[] {
  return events.filter(({ tenant, audience }) => client.sees(tenant, audience)).map(({ id }) => id);
}
