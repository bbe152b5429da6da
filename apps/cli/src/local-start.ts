import { createHmac, randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { CommandError, EXIT } from './exit-code.ts';

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

export interface TokenClaims {
  readonly sub: string;
  readonly tenant?: string;
  readonly roles?: readonly string[];
  readonly scope?: string;
  readonly expiresInS: number;
}

/** A system that `npm start` runs from this directory: its secret lies under `DATA_DIR`, readable by its owner alone. */
export class LocalStart {
  readonly #secretPath: string;

  constructor(environment: NodeJS.ProcessEnv, directory = process.cwd()) {
    this.#secretPath = resolve(directory, environment.DATA_DIR ?? '.data', 'jwt-secret');
  }

  get isThere(): boolean {
    return existsSync(this.#secretPath);
  }

  /** Whether a token of this start may be sent to `url`: it never leaves this machine by itself. */
  trusts(url: string): boolean {
    return URL.canParse(url) && LOOPBACK.test(new URL(url).hostname);
  }

  /** A JWT signed with HS256. @throws CommandError where nothing was started here */
  mint({ sub, tenant, roles, scope, expiresInS }: TokenClaims): string {
    if (!this.isThere) {
      throw new CommandError(
        EXIT.refused,
        `there is no ${this.#secretPath}: development tokens are made beside \`npm start\` only`,
      );
    }
    const secret = readFileSync(this.#secretPath, 'utf8').trim();
    const now = Math.floor(Date.now() / 1_000);
    const claims = { sub, tenant_id: tenant, roles, scope, iat: now, exp: now + expiresInS, jti: randomUUID() };
    const signed = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
    return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
  }
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}
