import { MAX_EVENT_BYTES } from '@rejoin/protocol';
import { SOURCE } from './event-kinds.ts';

export interface PoisonKind {
  readonly name: string;
  /** The reason that its dead letter must have. */
  readonly code: string;
  /** Whether it is appended to a partition that is not its tenant's. */
  readonly isMisplaced?: boolean;
  fields(id: string, tenant: string): readonly (string | Buffer)[];
}

const json = (id: string, tenant: string, changes: object = {}): string =>
  JSON.stringify({
    specversion: '1.0',
    id,
    source: SOURCE,
    type: 'plain.event',
    tenantid: tenant,
    audience: 'tenant',
    data: { tenant, audience: 'tenant' },
    ...changes,
  });

/** What anybody with Redis' password may append. */
export const POISON_KINDS: readonly PoisonKind[] = [
  { name: 'bad JSON', code: 'INVALID_JSON', fields: (id, tenant) => ['event', json(id, tenant).slice(0, -3)] },
  { name: 'no event', code: 'MISSING_EVENT_FIELD', fields: (id) => ['payload', id] },
  {
    name: 'bytes that are not UTF-8',
    code: 'NOT_UTF8',
    fields: (id, tenant) => ['event', Buffer.concat([Buffer.from(json(id, tenant)), Buffer.from([0xff])])],
  },
  {
    name: 'unknown audience',
    code: 'INVALID_EVENT',
    fields: (id, tenant) => ['event', json(id, tenant, { audience: 'everybody' })],
  },
  {
    name: 'no audience',
    code: 'NO_AUDIENCE_RULE',
    fields: (id, tenant) => ['event', json(id, tenant, { audience: undefined })],
  },
  {
    name: 'too large',
    code: 'EVENT_TOO_LARGE',
    fields: (id, tenant) => ['event', json(id, tenant, { data: 'x'.repeat(MAX_EVENT_BYTES) })],
  },
  {
    name: 'wrong partition',
    code: 'WRONG_PARTITION',
    isMisplaced: true,
    fields: (id, tenant) => ['event', json(id, tenant)],
  },
];

/** Ends the worker that asks for its audience. */
export const FATAL_POISON: PoisonKind = {
  name: 'fatal event',
  code: 'WORKER_DIED',
  fields: (id, tenant) => ['event', json(id, tenant, { type: 'fatal.event', audience: undefined })],
};
