import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { readStackConfiguration } from '../src/configuration.ts';
import { allocatePorts } from '../src/port-allocation.ts';

const free = { GATEWAY_PORTS: '0,0,0', OPS_PORT: '0', DEMO_PORT: '0' };

describe('ports', () => {
  it('are all different where free ones are asked for', async () => {
    const { gateways, ops, demo } = await allocatePorts(readStackConfiguration(free));
    expect(new Set([...gateways, ops, demo]).size).toBe(5);
    expect((await allocatePorts(readStackConfiguration({ ...free, DEMO: '0' }))).demo).toBeUndefined();
  });

  it.each(['127.0.0.1', undefined])('in use on %s are reported by their variable', async (host) => {
    const other = createServer().listen(0, host);
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    try {
      for (const variable of ['GATEWAY_PORTS', 'OPS_PORT', 'DEMO_PORT']) {
        const allocation = allocatePorts(readStackConfiguration({ ...free, [variable]: String(port) }));
        await expect(allocation).rejects.toMatchObject({
          code: 'PORT_IN_USE',
          message: expect.stringContaining(`Port ${port} of ${variable} is in use`),
        });
      }
    } finally {
      other.close();
    }
  });

  it('are free again once they are decided', async () => {
    const { ops } = await allocatePorts(readStackConfiguration(free));
    const again = await allocatePorts(readStackConfiguration({ ...free, OPS_PORT: String(ops) }));
    expect(again.ops).toBe(ops);
  });
});
