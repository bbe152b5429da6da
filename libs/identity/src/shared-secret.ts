import { createSecretKey } from 'node:crypto';
import { NestJwtVerifier } from './nest-jwt-verifier.ts';
import type { SignatureExpectations } from './signature.ts';

/** Bytes that HS256 needs at least to be as strong as its hash: RFC 7518, section 3.2. */
export const MIN_SECRET_BYTES = 32;

/** HS256 with a shared secret. */
export class SharedSecretVerifier extends NestJwtVerifier {
  /** @param secret used as its UTF-8 bytes */
  constructor(secret: string, expectations: SignatureExpectations = {}) {
    super(createSecretKey(secret, 'utf8'), ['HS256'], expectations);
  }
}
