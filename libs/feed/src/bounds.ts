/** Most room writes of one script. Each takes Redis about 12 µs, for which everybody else waits. */
export const MAX_ROOM_WRITES = 256;

/** Within it the same `source` + `id` of a tenant is one event. */
export const DUPLICATE_WINDOW_MS = 600_000;

/** How much longer than the replay window a room index lives after its last entry. */
export const ROOM_GRACE_MS = 3_600_000;

/** Bytes that a feed entry counts besides its texts. */
export const FEED_ENTRY_OVERHEAD_BYTES = 64;
