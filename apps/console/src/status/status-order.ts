import type { PartitionStatus } from '@rejoin/operations';

/** Best first. The library's own list would bring its schemas along. */
export const PARTITION_STATUS_ORDER: readonly PartitionStatus[] = ['OK', 'UNKNOWN', 'WARN', 'REWIND', 'STALL', 'STOP'];
