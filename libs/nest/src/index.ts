export { ResumableIoAdapter } from './resumable-io-adapter.ts';
export { tokenAuthenticator } from './token-authenticator.ts';
