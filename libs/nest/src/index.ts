export { ClientCommand, type ClientCommandOptions } from './gateways/client-command.decorator.ts';
export { EscapedHandlerError } from './gateways/errors.ts';
export {
  ResumableModule,
  type ResumableModuleAsyncOptions,
  type ResumableModuleOptions,
} from './gateways/resumable.module.ts';
export { tokenAuthenticator } from './gateways/token-authenticator.ts';
export { useResumableGateways } from './gateways/use-resumable-gateways.ts';
export { WatchPolicies, type WatchPolicy } from './gateways/watch-policies.ts';
