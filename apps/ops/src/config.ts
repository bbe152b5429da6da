import { AudienceResolver, DEFAULT_AUDIENCE_RULES, loadAudienceRules, loadTypeResolvers } from '@rejoin/audience';
import {
  bytes,
  integer,
  loadVariable,
  port,
  readConfiguration,
  redisVariables,
  replayVariables,
  telemetryVariables,
  text,
  tokenVariables,
} from '@rejoin/runtime';

const EVENTS = { min: 1_000, max: 100_000_000 } as const;

const variables = {
  /** What a rehearsal of a dead letter is resolved by. */
  rules: {
    ...text('AUDIENCE_RULES', undefined, './audience-rules.json'),
    fallback: DEFAULT_AUDIENCE_RULES,
    parse: loadAudienceRules,
  },
  resolversPath: text('AUDIENCE_RESOLVERS', undefined, './audience-resolvers.mjs'),
  ...redisVariables,
  ...telemetryVariables,
  ...tokenVariables,
  windowMs: replayVariables.windowMs,
  replayMaxBytes: replayVariables.maxBytes,
  port: port('OPS_PORT', 3_100),
  /** Largest request body. */
  maxBodyBytes: bytes('OPS_MAX_BODY', 16 * 1024 ** 2, '16mb'),
  /** Most bytes of request bodies that are held at one time. */
  maxHeldBytes: bytes('OPS_MAX_BODIES', 64 * 1024 ** 2, '64mb'),
  /** Most events in ten seconds; at least as many as one request may hold. */
  eventsPerToken: integer('EVENTS_PER_TOKEN', 100_000, EVENTS),
  eventsPerTenant: integer('EVENTS_PER_TENANT', 200_000, EVENTS),
  /** Most events of one partition that may wait for fan-out before publishing is refused. */
  maxBacklog: integer('OPS_MAX_BACKLOG', 1_000_000, { min: 1, max: 1_000_000_000 }),
};

/** @throws InvalidConfigurationError */
export async function readOpsConfiguration(environment: NodeJS.ProcessEnv) {
  const { rules, resolversPath, ...configuration } = readConfiguration(variables, environment);
  const resolvers =
    resolversPath === undefined
      ? []
      : await loadVariable(variables.resolversPath, () => loadTypeResolvers(resolversPath));
  return { ...configuration, resolver: new AudienceResolver({ rules, resolvers }) };
}

export type OpsConfiguration = Awaited<ReturnType<typeof readOpsConfiguration>>;
