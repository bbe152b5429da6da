export { handshakeAuthenticator } from './handshake-authenticator.ts';
export { ResumableIoAdapter } from './resumable-io-adapter.ts';
