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

/** What `npm start` leaves in `running.json` while it runs. */
interface Running {
  readonly ops?: string;
  /** Whether tokens are signed with the secret that lies beside it. */
  readonly signsTokens?: boolean;
  readonly issuer?: string;
  readonly audience?: string;
}

/** A system that `npm start` runs from this directory: its secret lies under `DATA_DIR`, readable by its owner alone. */
export class LocalStart {
  readonly #secretPath: string;
  readonly #runningPath: string;

  constructor(environment: NodeJS.ProcessEnv, directory = process.cwd()) {
    const data = resolve(directory, environment.DATA_DIR ?? '.data');
    this.#secretPath = resolve(data, 'jwt-secret');
    this.#runningPath = resolve(data, 'running.json');
  }

  /** Where the operator API is, whatever port it has; `undefined` where nothing runs here. */
  get opsUrl(): string | undefined {
    return readRunning(this.#runningPath).ops;
  }

  /** Whether a token can be made that is accepted here. */
  get signsTokens(): boolean {
    return readRunning(this.#runningPath).signsTokens !== false && existsSync(this.#secretPath);
  }

  /** Whether a token of this start may be sent to `url`: it never leaves this machine by itself. */
  trusts(url: string): boolean {
    return URL.canParse(url) && LOOPBACK.test(new URL(url).hostname);
  }

  /** A JWT signed with HS256. @throws CommandError where nothing was started here */
  mint({ sub, tenant, roles, scope, expiresInS }: TokenClaims): string {
    if (!this.signsTokens) {
      throw new CommandError(
        EXIT.refused,
        `nothing signs with ${this.#secretPath}: development tokens are made beside \`npm start\` only, without JWT_… variables`,
      );
    }
    const secret = readFileSync(this.#secretPath, 'utf8').trim();
    const { issuer: iss, audience: aud } = readRunning(this.#runningPath);
    const now = Math.floor(Date.now() / 1_000);
    const claims = {
      sub,
      tenant_id: tenant,
      roles,
      scope,
      iat: now,
      exp: now + expiresInS,
      jti: randomUUID(),
      iss,
      aud,
    };
    const signed = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
    return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
  }
}

function readRunning(path: string): Running {
  if (!existsSync(path)) return {};
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Running;
  } catch (cause) {
    throw new CommandError(EXIT.failed, `${path} cannot be read`, { cause });
  }
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}
