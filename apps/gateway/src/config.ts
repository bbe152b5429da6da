import {
  InvalidConfigurationError,
  port,
  readConfiguration,
  redisVariables,
  replayVariables,
  texts,
  tokenVariables,
} from '@rejoin/runtime';

const variables = {
  ...redisVariables,
  ...tokenVariables,
  windowMs: replayVariables.windowMs,
  port: port('PORT', 3_000),
  allowedOrigins: {
    ...texts('ALLOWED_ORIGINS', [], 'https://app.example.com'),
    parse(value: string): readonly string[] {
      const origins = texts('ALLOWED_ORIGINS', [], '').parse(value);
      for (const origin of origins) {
        if (origin !== '*' && !isOrigin(origin)) throw new Error(`must list exact origins, and "${origin}" is none`);
      }
      return origins;
    },
  },
};

/** @throws InvalidConfigurationError */
export function readGatewayConfiguration(environment: NodeJS.ProcessEnv) {
  const configuration = readConfiguration(variables, environment);
  if (configuration.allowedOrigins.includes('*') && environment.NODE_ENV === 'production') {
    throw new InvalidConfigurationError([
      'ALLOWED_ORIGINS must not be "*" in production; for example ALLOWED_ORIGINS=https://app.example.com',
    ]);
  }
  return configuration;
}

export type GatewayConfiguration = ReturnType<typeof readGatewayConfiguration>;

function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text;
}
