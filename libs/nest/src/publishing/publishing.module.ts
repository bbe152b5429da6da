import {
  type BeforeApplicationShutdown,
  ConfigurableModuleBuilder,
  Inject,
  Logger,
  Module,
  type OnApplicationShutdown,
  type OnModuleInit,
  Optional,
} from '@nestjs/common';
import { EventEmitter2 } from '@nestjs/event-emitter';
import { createPublisher, type Publisher, StreamUnavailableError } from '@rejoin/publisher';
import { EventForwarder, requireForwardable } from './event-forwarder.ts';
import { EventPublisher } from './event-publisher.ts';
import type { PublishingModuleOptions } from './publishing-options.ts';

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } = new ConfigurableModuleBuilder<PublishingModuleOptions>()
  .setClassMethodName('forRoot')
  .setExtras({ isGlobal: true }, (definition, { isGlobal }) => ({ ...definition, global: isGlobal }))
  .build();

const PUBLISHER = Symbol('publisher');
const logger = new Logger('PublishingModule');

/**
 * Gives a service the injectable {@link EventPublisher}, and publishes what it emits with `@nestjs/event-emitter`.
 *
 *     PublishingModule.forRoot({ redis: 'redis://…', source: '/orders', forward: [{ on: 'order.*' }] })
 *
 * A Redis that is away does not keep the application from starting; another partition count than the installation's does.
 * When the application closes, events that are on their way are published first: within `shutdownTimeoutMs` those that are
 * forwarded, within `closeTimeoutMs` those of `EventPublisher`. For signals that takes `app.enableShutdownHooks()`.
 */
@Module({
  providers: [
    {
      provide: PUBLISHER,
      inject: [MODULE_OPTIONS_TOKEN, { token: EventEmitter2, optional: true }],
      useFactory: (options: PublishingModuleOptions, emitter: EventEmitter2 | undefined): Publisher => {
        requireForwardable(options, emitter);
        return createPublisher({
          onConnectionError: (error) => logger.warn(`connection to Redis: ${error.message}`),
          ...options,
        });
      },
    },
    {
      provide: EventPublisher,
      inject: [PUBLISHER],
      useFactory: (publisher: Publisher) => new EventPublisher(publisher),
    },
  ],
  exports: [EventPublisher],
})
export class PublishingModule
  extends ConfigurableModuleClass
  implements OnModuleInit, BeforeApplicationShutdown, OnApplicationShutdown
{
  readonly #publisher: Publisher;
  readonly #forwarder: EventForwarder | undefined;

  constructor(
    @Inject(MODULE_OPTIONS_TOKEN) options: PublishingModuleOptions,
    @Inject(PUBLISHER) publisher: Publisher,
    @Optional() @Inject(EventEmitter2) emitter: EventEmitter2 | undefined,
  ) {
    super();
    this.#publisher = publisher;
    if (emitter && options.forward?.length) this.#forwarder = new EventForwarder(emitter, publisher, options);
  }

  async onModuleInit(): Promise<void> {
    try {
      await this.#publisher.open();
    } catch (error) {
      if (error instanceof StreamUnavailableError && error.retryable) {
        logger.warn(`starting without Redis: ${error.message}`);
        return;
      }
      await this.#publisher.close();
      throw error;
    }
  }

  /** While everything still listens, so that failures find their listeners. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.#forwarder?.flush();
  }

  /** Again, for what the last requests emitted; then nothing more. */
  async onApplicationShutdown(): Promise<void> {
    await this.#forwarder?.stop();
    await this.#publisher.close();
  }
}
