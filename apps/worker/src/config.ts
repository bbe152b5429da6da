import { AudienceResolver, DEFAULT_AUDIENCE_RULES, loadAudienceRules, loadTypeResolvers } from '@rejoin/audience';
import {
  durationMs,
  integer,
  loadVariable,
  port,
  readConfiguration,
  redisVariables,
  replayVariables,
  telemetryVariables,
  text,
} from '@rejoin/runtime';

const variables = {
  ...redisVariables,
  ...telemetryVariables,
  ...replayVariables,
  port: port('PORT', 3300),
  maxAttempts: integer('RETRY_ATTEMPTS', 8, { min: 1, max: 100 }),
  deadLetterMaxAgeMs: durationMs('DEAD_LETTER_RETENTION', 14 * 86_400_000, '14d'),
  deadLetterMaxCount: integer('DEAD_LETTER_MAX', 100_000, { min: 1, max: 10_000_000 }),
  rules: {
    ...text('AUDIENCE_RULES', undefined, './audience-rules.json'),
    fallback: DEFAULT_AUDIENCE_RULES,
    parse: loadAudienceRules,
  },
  resolversPath: text('AUDIENCE_RESOLVERS', undefined, './audience-resolvers.mjs'),
};

/** @throws InvalidConfigurationError */
export async function readWorkerConfiguration(environment: NodeJS.ProcessEnv) {
  const { rules, resolversPath, ...configuration } = readConfiguration(variables, environment);
  const resolvers =
    resolversPath === undefined
      ? []
      : await loadVariable(variables.resolversPath, () => loadTypeResolvers(resolversPath));
  return { ...configuration, resolver: new AudienceResolver({ rules, resolvers }) };
}
