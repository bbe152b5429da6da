import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { crc16, partitionOf } from '@rejoin/protocol';
import fc from 'fast-check';

interface PartitionVectors {
  readonly check: { readonly text: string; readonly crc16: number };
  readonly vectors: readonly {
    readonly tenantid: string;
    readonly utf8: string;
    readonly crc16: number;
    readonly partitions: Readonly<Record<string, number>>;
  }[];
}

const { check, vectors } = JSON.parse(
  readFileSync(new URL('../../../docs/reference/partition-vectors.json', import.meta.url), 'utf8'),
) as PartitionVectors;

/** CRC16/XMODEM bit by bit, as its definition has it: another way than the table that is under test. */
function crc16BitByBit(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      const out = (crc >> 15) & 1;
      crc = (crc << 1) & 0xffff;
      if (out !== ((byte >> bit) & 1)) crc ^= 0x1021;
    }
  }
  return crc;
}

describe('partition vectors of docs/reference', () => {
  test('begin with the check value that CRC catalogues give', () => {
    expect(check).toEqual({ text: '123456789', crc16: 0x31c3 });
    expect(crc16(check.text)).toBe(0x31c3);
  });

  test.each(vectors)('hold for tenant "$tenantid"', ({ tenantid, utf8, crc16: expected, partitions }) => {
    expect(Buffer.from(tenantid).toString('hex')).toBe(utf8);
    expect(crc16BitByBit(Buffer.from(utf8, 'hex'))).toBe(expected);
    expect(crc16(tenantid)).toBe(expected);
    for (const [count, partition] of Object.entries(partitions)) {
      expect(partitionOf(tenantid, Number(count))).toBe(partition);
    }
  });

  test('are what the table on the page shows', () => {
    const page = readFileSync(new URL('../../../docs/reference/partitions.md', import.meta.url), 'utf8');
    const rows = [...page.matchAll(/^\| `(.+)` +\| `([0-9a-f]+)` +\| +(\d+) \| +(\d+) \| +(\d+) \| +(\d+) \|$/gm)];
    expect(rows.length).toBeGreaterThan(5);
    for (const [, tenantid, utf8, crc, ...partitions] of rows) {
      expect(vectors).toContainEqual({
        tenantid,
        utf8,
        crc16: Number(crc),
        partitions: expect.objectContaining({
          8: Number(partitions[0]),
          16: Number(partitions[1]),
          1024: Number(partitions[2]),
        }),
      });
    }
  });

  test('are not one long row of zeros', () => {
    expect(vectors.length).toBeGreaterThan(20);
    expect(new Set(vectors.map(({ partitions }) => partitions[8]))).toEqual(new Set([0, 1, 2, 3, 4, 5, 6, 7]));
  });
});

test('any tenant’s partition is its CRC16 modulo the partition count', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 1_024 }), (tenantId, partitions) => {
      const expected = crc16BitByBit(Buffer.from(tenantId));
      expect(crc16(tenantId)).toBe(expected);
      expect(partitionOf(tenantId, partitions)).toBe(expected % partitions);
    }),
  );
});
