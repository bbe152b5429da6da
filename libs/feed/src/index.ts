export { DUPLICATE_WINDOW_MS, FEED_ENTRY_OVERHEAD_BYTES, MAX_ROOM_WRITES, ROOM_GRACE_MS } from './bounds.ts';
export { FeedAheadError } from './errors.ts';
export { FanOut, type FanOutItem, type FanOutOptions, type FanOutResult } from './fan-out.ts';
export { type FeedEntry, parseFeedEntry } from './feed-entry.ts';
export { type History, HistoryCheck } from './history-check.ts';
export { type ReplayBounds, type ReplayEntry, type ReplayPage, type ReplayRoom, readReplayPage } from './replay.ts';
export { judgeCursor, type ReplayStart, type ResumePoint, readResumePoint } from './resume-point.ts';
export { RoomHistory, type RoomPage, type RoomPageRequest } from './room-history.ts';
export { FeedTail, type HoleReason, type TailListener, type TailOptions } from './tail.ts';
