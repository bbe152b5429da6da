import { expect } from '@jest/globals';
import { AuthError, type TokenVerifier } from '@rejoin/identity';

/** The AuthError that a token is refused with. */
export async function refusal(by: TokenVerifier, token: unknown): Promise<AuthError> {
  const outcome = await by.verify(token).then(
    () => 'accepted',
    (error: unknown) => error,
  );
  expect(outcome).toBeInstanceOf(AuthError);
  return outcome as AuthError;
}
