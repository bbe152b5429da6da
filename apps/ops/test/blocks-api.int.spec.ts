import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { blocksPage, liftOutcome } from '@rejoin/operations';
import * as v from 'valibot';
import { OperationsFixture, READER } from './operations-fixture.ts';
import { problem } from './running-ops.ts';

let fixture: OperationsFixture;

beforeAll(async () => {
  fixture = await OperationsFixture.start();
});

afterAll(() => fixture.stop());

describe('blocks over HTTP', () => {
  it('begin with a disconnect, are listed and lifted in the described form', async () => {
    const target = { tenant: 'acme', user: 'u-1', reason: 'abuse' };
    const blocked = await fixture.post('/v1/connections/disconnect', { ...target, blockMs: 60_000 });
    expect(blocked.status).toBe(200);
    const { body } = await fixture.get('/v1/blocks?tenant=acme');
    expect(v.parse(blocksPage, body)).toEqual(body);
    expect(body).toMatchObject({ items: [{ tenant: 'acme', user: 'u-1' }], next: null, complete: true });
    expect(await fixture.post('/v1/blocks/lift', { tenant: 'acme', user: 'u-1' })).toMatchObject(
      problem(400, 'INVALID_REQUEST'),
    );
    expect(await fixture.post('/v1/blocks/lift', target, READER)).toMatchObject(problem(403, 'FORBIDDEN'));
    const lifted = await fixture.post('/v1/blocks/lift', target);
    expect(v.parse(liftOutcome, lifted.body)).toEqual(lifted.body);
    expect((await fixture.get('/v1/blocks')).body.items).toEqual([]);
    expect(await fixture.post('/v1/blocks/lift', target)).toMatchObject(problem(404, 'NOT_FOUND'));
  });
});
