export { type Connection, createHooks, type Hooks } from './hooks.ts';
export { RejoinProvider, type RejoinProviderProps } from './provider.ts';
