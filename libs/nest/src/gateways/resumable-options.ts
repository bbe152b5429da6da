import { Logger } from '@nestjs/common';
import { createTokenVerifier, type TokenConfiguration } from '@rejoin/identity';
import { keyspace } from '@rejoin/redis';
import type { GatewayLog, ResumableGatewayOptions } from '@rejoin/socketio';
import { tokenAuthenticator } from './token-authenticator.ts';

/** How tokens are checked: by exactly one of `secret`, `publicKey` and `jwksUrl`. */
export type TokenOptions = Partial<TokenConfiguration>;

interface Own {
  /** First word of every Redis key; `rejoin` by default. */
  readonly prefix?: string;
  /** Nest's logger by default. */
  readonly log?: GatewayLog;
}

/** Identity by JWT, or by whatever the application has instead. */
type Identity =
  | { readonly tokens: TokenOptions; readonly authenticate?: never }
  | { readonly tokens?: never; readonly authenticate: ResumableGatewayOptions['authenticate'] };

/** Watch policies come from `WatchPolicies`, where each gateway registers its own. */
export type ResumableModuleOptions = Omit<ResumableGatewayOptions, 'authorizeWatch' | 'keys' | 'log' | 'authenticate'> &
  Own &
  Identity;

/**
 * The options with what was left out filled in.
 * @throws InvalidConfigurationError where `tokens` has no key, more than one, or one that cannot be used
 */
export function gatewayOptions(
  options: ResumableModuleOptions,
  authorizeWatch: ResumableGatewayOptions['authorizeWatch'],
): ResumableGatewayOptions {
  const { prefix = 'rejoin', log = nestLog(), tokens, authenticate, ...rest } = options;
  return {
    ...rest,
    keys: keyspace(prefix),
    log,
    authenticate: tokens === undefined ? authenticate : byTokens(tokens, log),
    authorizeWatch,
  };
}

function byTokens(tokens: TokenOptions, log: GatewayLog): ResumableGatewayOptions['authenticate'] {
  const { secret, publicKey, jwksUrl, issuer, audience, tenantClaim = 'tenant_id', clockToleranceMs = 0 } = tokens;
  return tokenAuthenticator(
    createTokenVerifier({ secret, publicKey, jwksUrl, issuer, audience, tenantClaim, clockToleranceMs }, (message) =>
      log.warn({}, message),
    ),
  );
}

function nestLog(): GatewayLog {
  const logger = new Logger('ResumableGateway');
  return {
    info: (context, message) => logger.log(describe(context, message)),
    warn: (context, message) => logger.warn(describe(context, message)),
    error: (context, message) => logger.error(describe(context, message)),
  };
}

function describe(context: object, message: string): string {
  const facts = Object.entries(context).map(
    ([name, value]) => `${name}=${value instanceof Error ? value.message : value}`,
  );
  return [message, ...facts].join(' ');
}
