export { AudienceResolver } from './audience-resolver.ts';
export { InvalidAudienceRulesError } from './errors.ts';
export type { AudienceFailure, AudienceFailureCode, AudienceResolution } from './resolution.ts';
export { type AudienceRule, DEFAULT_AUDIENCE_RULES, loadAudienceRules, parseAudienceRules } from './rules.ts';
