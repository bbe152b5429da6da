export { AudienceResolver, type AudienceResolverOptions } from './audience-resolver.ts';
export {
  AudienceRefusedError,
  GroupLimitError,
  InvalidAudienceRulesError,
  InvalidGroupError,
  InvalidResolversError,
} from './errors.ts';
export type { AudienceExplanation, AudienceSource, Recipient } from './explanation.ts';
export { GroupCache, type GroupCacheOptions } from './groups/group-cache.ts';
export { type GroupChangeNotice, GroupChanges } from './groups/group-changes.ts';
export {
  type GroupChange,
  GroupDirectory,
  type GroupPage,
  type GroupPageRequest,
  MAX_GROUP_MEMBERS,
  MAX_GROUPS_OF_USER,
} from './groups/group-directory.ts';
export { type ExpandedGroup, MAX_EVENT_ROOMS } from './groups/group-expansion.ts';
export { type GroupMembers, MAX_EXPANDED_MEMBERS, type MembershipDirectory } from './groups/membership-directory.ts';
export type {
  AudienceFailure,
  AudienceFailureCode,
  AudienceResolution,
  PermanentAudienceFailureCode,
  TransientAudienceFailureCode,
} from './resolution.ts';
export { loadTypeResolvers } from './resolver-module.ts';
export { type AudienceRule, DEFAULT_AUDIENCE_RULES, loadAudienceRules, parseAudienceRules } from './rules.ts';
export type { ResolvedAudience, TypeResolver } from './type-resolver.ts';
