import { type DynamicModule, Module } from '@nestjs/common';
import { ResumableModule, type ResumableModuleOptions } from '@rejoin/nest';
import { createPublisher, type Publisher, type PublisherListener } from '@rejoin/publisher';
import { connect, type RedisClient } from '@rejoin/redis';
import { ResumableGateway } from '@rejoin/socketio';
import { NotificationInbox } from './notifications/notification-inbox.ts';
import { NotificationsGateway } from './notifications/notifications.gateway.ts';
import { OrdersGateway } from './orders/orders.gateway.ts';

export type GatewayModuleOptions = ResumableModuleOptions &
  Required<Pick<ResumableModuleOptions, 'prefix' | 'windowMs' | 'log'>>;

/** What the features' gateways need of Redis besides the resumable gateway. */
export interface FeatureConnections {
  readonly client: RedisClient;
  readonly publisher: Publisher;
}

export function openFeatureConnections(options: GatewayModuleOptions, listener: PublisherListener): FeatureConnections {
  const client = connect({
    url: options.redisUrl,
    use: 'commands',
    name: 'rejoin-gateway-features',
    onError: (error) => options.log.warn({ err: error }, 'connection to Redis failed'),
  });
  return { client, publisher: createPublisher({ redis: client, prefix: options.prefix, listener }) };
}

@Module({})
class GatewayModule {}

/** The features' gateways on a resumable gateway. */
export function gatewayModule(options: GatewayModuleOptions, { client, publisher }: FeatureConnections): DynamicModule {
  return {
    module: GatewayModule,
    imports: [ResumableModule.forRoot(options)],
    providers: [
      {
        provide: NotificationInbox,
        inject: [ResumableGateway],
        useFactory: (gateway: ResumableGateway) => new NotificationInbox(gateway, client, publisher, options.windowMs),
      },
      OrdersGateway,
      NotificationsGateway,
    ],
  };
}
