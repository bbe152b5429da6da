export { type Claims, MAX_ROLE_LENGTH, MAX_ROLES } from './claims.ts';
export { createTokenVerifier, type TokenConfiguration } from './configured.ts';
export { AuthError, type AuthErrorCode } from './errors.ts';
export { hasScope, type Principal, type Scope } from './principal.ts';
export { SharedSecretVerifier, type SignatureExpectations, type SignatureVerifier } from './signature.ts';
export { MAX_TOKEN_CHARACTERS, TokenVerifier } from './token-verifier.ts';
