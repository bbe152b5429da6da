export { ClientCommand, type ClientCommandOptions } from './gateways/client-command.decorator.ts';
export { EscapedHandlerError } from './gateways/errors.ts';
export { ResumableModule, type ResumableModuleAsyncOptions } from './gateways/resumable.module.ts';
export type { ResumableModuleOptions, TokenOptions } from './gateways/resumable-options.ts';
export { tokenAuthenticator } from './gateways/token-authenticator.ts';
export { useResumableGateways } from './gateways/use-resumable-gateways.ts';
export { WatchPolicies, type WatchPolicy } from './gateways/watch-policies.ts';
export {
  EventMappingError,
  ForwardingGivenUpError,
  ForwardingStoppedError,
  ForwardQueueFullError,
  InvalidForwardingError,
} from './publishing/errors.ts';
export { defaultMapping, type ForwardedEvent } from './publishing/event-mapping.ts';
export { EventPublisher } from './publishing/event-publisher.ts';
export { PUBLISH_FAILED, type PublishFailure } from './publishing/failure-reporter.ts';
export { PublishingModule } from './publishing/publishing.module.ts';
export type { ForwardingBounds, ForwardRule, PublishingModuleOptions } from './publishing/publishing-options.ts';
