import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseFeedEntry, routeOf } from '../src/feed-entry.ts';

const buffers = (...texts: string[]): Buffer[] => texts.map((text) => Buffer.from(text));

describe('a feed entry', () => {
  it('is read as it was written, whatever its tenant', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', minLength: 1 }),
        fc.array(fc.webSegment(), { minLength: 1 }),
        (tenant, rooms) => {
          const route = `1-1 ${routeOf(tenant, 'order.paid', rooms)}`;
          expect(parseFeedEntry(Buffer.from('1-2'), buffers('route', route, 'event', '{"id":"ü"}'))).toEqual({
            entryId: '1-2',
            predecessor: '1-1',
            tenant,
            type: 'order.paid',
            rooms,
            event: Buffer.from('{"id":"ü"}'),
          });
        },
      ),
    );
  });

  it('may have fields that are not known, in any order', () => {
    const fields = buffers('event', '{}', 'later', 'x', 'route', '0-0 acme t acme:tenant');
    expect(parseFeedEntry('1-1', fields)).toMatchObject({ tenant: 'acme', type: 't', rooms: ['acme:tenant'] });
  });

  it.each([[[]], [['event', '{}']], [['route', '']], [['route', '0-0']], [['route']], [['route', '0-0 %zz t']]])(
    'that no worker wrote, %j, names no room',
    (fields) => {
      expect(parseFeedEntry('1-1', buffers(...fields)).rooms).toEqual([]);
    },
  );
});
