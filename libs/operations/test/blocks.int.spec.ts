import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { revoke } from '@rejoin/socketio';
import { eventually } from '@rejoin/testing';
import { OperationsSystem } from './operations-system.ts';

let system: OperationsSystem;
const ALL = { user: 'olga', tenant: null };
const ACME = { user: 'anna', tenant: 'acme' };
const HOUR_MS = 3_600_000;

beforeEach(() => {
  system = new OperationsSystem();
});

afterEach(() => system.close());

const block = (tenantId: string, userId?: string, forMs = HOUR_MS): Promise<void> =>
  revoke(
    system.client,
    system.keys,
    userId === undefined ? { kind: 'tenant', tenantId } : { kind: 'user', tenantId, userId },
    forMs,
    'block',
  );

describe('blocks', () => {
  it('are listed latest first, page by page, each target once and only while in force', async () => {
    await block('acme', 'u-1');
    await block('acme', 'over', 1);
    await block('zenith');
    await block('acme', 'u-2');
    await block('acme', 'u-1', 2 * HOUR_MS);
    await revoke(system.client, system.keys, { kind: 'user', tenantId: 'acme', userId: 'by-code' }, HOUR_MS);
    const { blocks } = system.operations;
    const targets = async () => (await blocks.list(ALL)).items.map(({ tenant, user }) => [tenant, user]);
    const expected = [
      ['acme', 'u-1'],
      ['acme', 'u-2'],
      ['zenith', null],
    ];
    await eventually(async () => expect(await targets()).toEqual(expected));
    const first = await blocks.list(ALL, { limit: 2 });
    expect(first.items[0]?.remainingMs).toBeGreaterThan(HOUR_MS);
    const second = await blocks.list(ALL, { limit: 2, after: first.next as string });
    expect([first.items.length, second.items.map(({ tenant }) => tenant), second.next]).toEqual([2, ['zenith'], null]);
    expect((await blocks.list(ALL, { user: 'u-2' })).items).toHaveLength(1);
  });

  it('let a user in again when they are lifted, and not before; the audit knows by whom', async () => {
    const gateway = await system.gateway();
    const refused = { data: { code: 'AUTH_REVOKED' } };
    await block('acme', 'u-1');
    await eventually(() => expect(system.connect(gateway, 'acme/u-1')).rejects.toMatchObject(refused));
    const lift = { tenant: 'acme', user: 'u-1', reason: 'a new token' };
    expect(await system.operations.blocks.lift(ALL, { ...lift, dryRun: true })).toMatchObject({ dryRun: true });
    await expect(system.connect(gateway, 'acme/u-1')).rejects.toMatchObject(refused);
    const { block: lifted } = await system.operations.blocks.lift(ACME, lift);
    expect(lifted).toMatchObject({ tenant: 'acme', user: 'u-1' });
    await eventually(() => system.connect(gateway, 'acme/u-1'));
    const { items } = await system.operations.audit.list(ALL);
    expect(items).toMatchObject([{ action: 'connections.unblock', by: 'anna', count: 1, reason: 'a new token' }]);
    await expect(system.operations.blocks.lift(ALL, lift)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('of another tenant, or of a whole one, are not for who is bound to a tenant', async () => {
    await block('acme');
    await block('zenith', 'u-1');
    const { blocks } = system.operations;
    expect((await blocks.list(ACME)).items.map(({ tenant }) => tenant)).toEqual(['acme']);
    await expect(blocks.lift(ACME, { tenant: 'zenith', user: 'u-1', reason: 'x' })).rejects.toMatchObject({
      code: 'TENANT_FORBIDDEN',
    });
    await expect(blocks.lift(ACME, { reason: 'x' })).rejects.toMatchObject({ code: 'TENANT_FORBIDDEN' });
    await expect(blocks.lift(ALL, { reason: 'x' })).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
  });
});
