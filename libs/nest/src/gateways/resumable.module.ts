import { type BeforeApplicationShutdown, type DynamicModule, type FactoryProvider, Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { ResumableGateway, type ResumableGatewayOptions } from '@rejoin/socketio';
import { ClientCommands } from './client-commands.ts';
import { WatchPolicies } from './watch-policies.ts';

/** Watch policies come from {@link WatchPolicies}, where each gateway registers its own. */
export type ResumableModuleOptions = Omit<ResumableGatewayOptions, 'authorizeWatch'>;

export interface ResumableModuleAsyncOptions extends Pick<FactoryProvider<ResumableModuleOptions>, 'inject'> {
  readonly imports?: DynamicModule['imports'];
  // biome-ignore lint/suspicious/noExplicitAny: what is injected is the caller's affair
  useFactory(...injected: any[]): ResumableModuleOptions | Promise<ResumableModuleOptions>;
}

const OPTIONS = Symbol('resumable module options');

/**
 * Gives an application gateways whose clients resume: provides `ResumableGateway` and `WatchPolicies`. Install the adapter
 * with `useResumableGateways` before the application listens.
 */
@Module({})
export class ResumableModule implements BeforeApplicationShutdown {
  readonly #gateway: ResumableGateway;

  constructor(gateway: ResumableGateway) {
    this.#gateway = gateway;
  }

  static forRoot(options: ResumableModuleOptions): DynamicModule {
    return ResumableModule.forRootAsync({ useFactory: () => options });
  }

  static forRootAsync({ imports = [], inject = [], useFactory }: ResumableModuleAsyncOptions): DynamicModule {
    return {
      module: ResumableModule,
      global: true,
      imports: [DiscoveryModule, ...imports],
      providers: [
        { provide: OPTIONS, inject, useFactory },
        WatchPolicies,
        ClientCommands,
        {
          provide: ResumableGateway,
          inject: [OPTIONS, WatchPolicies],
          useFactory: (options: ResumableModuleOptions, policies: WatchPolicies) =>
            new ResumableGateway({
              ...options,
              authorizeWatch: (principal, resource) => policies.allows(principal, resource),
            }),
        },
      ],
      exports: [ResumableGateway, WatchPolicies],
    };
  }

  /** Tells the clients to come back elsewhere before the server closes. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.#gateway.stop();
  }
}
