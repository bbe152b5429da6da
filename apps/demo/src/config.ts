import { port, readConfiguration, redisVariables, telemetryVariables, texts, tokenVariables } from '@rejoin/runtime';

const DEFAULT_GATEWAYS = ['http://localhost:3000', 'http://localhost:3001'];

const variables = {
  ...redisVariables,
  ...telemetryVariables,
  ...tokenVariables,
  port: port('DEMO_PORT', 3_200),
  /** Where browsers reach the gateways. */
  gatewayUrls: {
    ...texts('GATEWAY_URLS', DEFAULT_GATEWAYS, DEFAULT_GATEWAYS.join(',')),
    parse: (value: string): readonly string[] => texts('GATEWAY_URLS', [], '').parse(value).map(originOf),
  },
};

/** @throws InvalidConfigurationError */
export function readDemoConfiguration(environment: NodeJS.ProcessEnv) {
  return readConfiguration(variables, environment);
}

export type DemoConfiguration = ReturnType<typeof readDemoConfiguration>;

function originOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || !/^https?:$/.test(url.protocol)) throw new Error(`must list http or https URLs, and "${text}" is none`);
  return url.origin;
}
