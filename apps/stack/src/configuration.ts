import { resolve } from 'node:path';
import {
  flag,
  InvalidConfigurationError,
  integer,
  port,
  ports,
  readConfiguration,
  redisVariables,
  replayVariables,
  text,
  tokenKeyProblems,
  tokenVariables,
} from '@rejoin/runtime';

const variables = {
  // Those of the programs are read here as well, so that a bad value is reported once and before anything is started.
  ...redisVariables,
  ...replayVariables,
  ...tokenVariables,
  redisUrl: { ...redisVariables.redisUrl, fallback: undefined },
  allowedOrigins: text('ALLOWED_ORIGINS', undefined, 'https://app.example.com'),
  gatewayPorts: ports('GATEWAY_PORTS', [3_000, 3_001]),
  opsPort: port('OPS_PORT', 3_100),
  demoPort: port('DEMO_PORT', 3_200),
  demo: flag('DEMO', true),
  workers: integer('WORKERS', 2, { min: 1, max: 64 }),
  dataDirectory: text('DATA_DIR', '.data', '.data'),
};

export interface StackConfiguration {
  /** `undefined`: an embedded one. */
  readonly redisUrl: string | undefined;
  /** Whether a variable says how tokens are checked. */
  readonly hasTokenKey: boolean;
  readonly hasAllowedOrigins: boolean;
  /** 0 is a free port, in each of these. */
  readonly gatewayPorts: readonly number[];
  readonly opsPort: number;
  /** `undefined`: no demo. */
  readonly demoPort: number | undefined;
  readonly workers: number;
  /** Absolute. */
  readonly dataDirectory: string;
}

/** @throws InvalidConfigurationError naming every bad variable */
export function readStackConfiguration(environment: NodeJS.ProcessEnv): StackConfiguration {
  const values = readConfiguration(variables, environment);
  const demoPort = values.demo ? values.demoPort : undefined;
  const fixed = [...values.gatewayPorts, values.opsPort, demoPort].filter((number) => number);
  const doubled = fixed.filter((number, index) => fixed.indexOf(number) !== index);
  if (doubled.length > 0) {
    throw new InvalidConfigurationError([
      `GATEWAY_PORTS, OPS_PORT and DEMO_PORT must all differ, and ${doubled.join(', ')} is given twice; ` +
        'for example GATEWAY_PORTS=3000,3001 OPS_PORT=3100 DEMO_PORT=3200',
    ]);
  }
  const keyProblems = tokenKeyProblems(values);
  if (keyProblems.length > 0) throw new InvalidConfigurationError(keyProblems);
  return {
    redisUrl: values.redisUrl,
    hasTokenKey: [values.secret, values.publicKey, values.jwksUrl].some((value) => value !== undefined),
    hasAllowedOrigins: values.allowedOrigins !== undefined,
    gatewayPorts: values.gatewayPorts,
    opsPort: values.opsPort,
    demoPort,
    workers: values.workers,
    dataDirectory: resolve(values.dataDirectory),
  };
}
