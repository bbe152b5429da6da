import { createSecretKey, randomUUID } from 'node:crypto';
import { JwtService } from '@nestjs/jwt';
import type { Member } from './cast.ts';
import type { DemoConfiguration } from './config.ts';

const LIFETIME_S = 300;

/** Signs short-lived tokens for the demo's own cast; nobody else's can be asked for. */
export class TokenMint {
  readonly #jwt: JwtService;
  readonly #tenantClaim: string;

  private constructor(secret: string, { issuer, audience, tenantClaim }: DemoConfiguration) {
    this.#tenantClaim = tenantClaim;
    this.#jwt = new JwtService({
      secret: createSecretKey(secret, 'utf8'),
      signOptions: {
        algorithm: 'HS256',
        expiresIn: LIFETIME_S,
        ...(issuer === undefined ? {} : { issuer }),
        ...(audience === undefined ? {} : { audience }),
      },
    });
  }

  /** `null` where tokens are signed elsewhere: a public key checks them and signs none. */
  static create(configuration: DemoConfiguration): TokenMint | null {
    return configuration.secret === undefined ? null : new TokenMint(configuration.secret, configuration);
  }

  tokenFor({ id, tenant, role }: Member): string {
    return this.#jwt.sign({ [this.#tenantClaim]: tenant, roles: [role] }, { subject: id, jwtid: randomUUID() });
  }
}
