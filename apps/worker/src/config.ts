import { AudienceResolver, loadAudienceRules } from '@rejoin/audience';
import {
  durationMs,
  integer,
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
  resolver: {
    ...text('AUDIENCE_RULES', undefined, './audience-rules.json'),
    fallback: new AudienceResolver(),
    parse: (path: string): AudienceResolver => new AudienceResolver({ rules: loadAudienceRules(path) }),
  },
};

/** @throws InvalidConfigurationError */
export function readWorkerConfiguration(environment: NodeJS.ProcessEnv) {
  return readConfiguration(variables, environment);
}
