import { expect, test } from '@jest/globals';
import { crc16 } from '@rejoin/protocol';
import { startTestRedis } from '@rejoin/testing';
import { Redis } from 'ioredis';

test('Redis Cluster itself computes the same CRC16', async () => {
  const redis = await startTestRedis({ listen: 'tcp', directives: { 'cluster-enabled': 'yes' } });
  const client = new Redis(redis.url);
  try {
    // Without a hash tag in it, a key's slot is the CRC16 of the whole key modulo 16,384.
    for (const tenantId of ['acme', 'globex', 'tenant-42', 'acme corp', 'münchen', '株式会社', '🚲', '123456789']) {
      expect(await client.cluster('KEYSLOT', tenantId)).toBe(crc16(tenantId) % 16_384);
    }
  } finally {
    client.disconnect();
    await redis.stop();
  }
});
