export type { BackoffOptions } from './backoff.ts';
export { createClient, type Gap, type RejoinClient, type Unsubscribe } from './client.ts';
export { type CursorStore, indexedDbStore, localStorageStore, memoryStore } from './cursor-store.ts';
export { type ClientErrorCode, RejoinError, UnauthorizedError } from './errors.ts';
export type { EventHandler, EventMap, EventOf, PatternOf, ReceivedEvent, Reception } from './event-map.ts';
export type { ClientOptions } from './options.ts';
export type { ClientState, StateListener } from './state.ts';
export { sharedByTabs } from './tab-link.ts';
