/**
 * CRC16/XMODEM (polynomial 0x1021, initial value 0), the checksum of Redis Cluster's key slots, so that every language
 * with a Redis Cluster client has it.
 * @see https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#appendix-a-crc16-reference-implementation-in-ansi-c
 */
const TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
  return crc & 0xffff;
});

const utf8 = new TextEncoder();

export function crc16(text: string): number {
  let crc = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    // Most tenants are named in ASCII, and are spared the cost of encoding them.
    if (code > 0x7f) return utf8.encode(text).reduce(crc16Next, 0);
    crc = crc16Next(crc, code);
  }
  return crc;
}

function crc16Next(crc: number, byte: number): number {
  return ((crc << 8) ^ (TABLE[((crc >> 8) ^ byte) & 0xff] as number)) & 0xffff;
}

/** The partition, `0 … partitions - 1`, that holds every event of a tenant. */
export function partitionOf(tenantId: string, partitions: number): number {
  return crc16(tenantId) % partitions;
}
