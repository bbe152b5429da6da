import { AudienceResolver, loadAudienceRules } from '@rejoin/audience';
import { port, readConfiguration, redisVariables, replayVariables, text } from '@rejoin/runtime';

const variables = {
  ...redisVariables,
  ...replayVariables,
  port: port('PORT', 3300),
  resolver: {
    ...text('AUDIENCE_RULES', undefined, './audience-rules.json'),
    fallback: new AudienceResolver(),
    parse: (path: string): AudienceResolver => new AudienceResolver(loadAudienceRules(path)),
  },
};

/** @throws InvalidConfigurationError */
export function readWorkerConfiguration(environment: NodeJS.ProcessEnv) {
  return readConfiguration(variables, environment);
}
