import {
  type BeforeApplicationShutdown,
  type DynamicModule,
  type FactoryProvider,
  Module,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { ResumableGateway } from '@rejoin/socketio';
import { ClientCommands } from './client-commands.ts';
import { gatewayOptions, type ResumableModuleOptions } from './resumable-options.ts';
import { WatchPolicies } from './watch-policies.ts';

export interface ResumableModuleAsyncOptions extends Pick<FactoryProvider<ResumableModuleOptions>, 'inject'> {
  readonly imports?: DynamicModule['imports'];
  // biome-ignore lint/suspicious/noExplicitAny: what is injected is the caller's affair
  useFactory(...injected: any[]): ResumableModuleOptions | Promise<ResumableModuleOptions>;
}

const OPTIONS = Symbol('resumable module options');

/**
 * Gives an application gateways whose clients resume: provides `ResumableGateway` and `WatchPolicies`. Put it under
 * the gateways with `useResumableGateways` before the application listens; one that forgets to does not start.
 *
 *     ResumableModule.forRoot({ redisUrl: 'redis://…', tokens: { secret: '…' } })
 */
@Module({})
export class ResumableModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #gateway: ResumableGateway;
  readonly #commands: ClientCommands;

  constructor(gateway: ResumableGateway, commands: ClientCommands) {
    this.#gateway = gateway;
    this.#commands = commands;
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
            new ResumableGateway(
              gatewayOptions(options, (principal, resource) => policies.allows(principal, resource)),
            ),
        },
      ],
      exports: [ResumableGateway, WatchPolicies],
    };
  }

  onApplicationBootstrap(): void {
    this.#commands.requireAttached(this.#gateway);
  }

  /** Tells the clients to come back elsewhere before the server closes. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.#gateway.stop();
  }
}
