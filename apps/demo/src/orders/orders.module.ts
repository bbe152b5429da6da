import { type DynamicModule, Module } from '@nestjs/common';
import { EventEmitterModule } from '@nestjs/event-emitter';
import { PublishingModule } from '@rejoin/nest';
import type { PublisherListener } from '@rejoin/publisher';
import { Announcer } from '../announcer.ts';
import { Announcements } from './announcements.ts';
import { OrderTraffic } from './order-traffic.ts';
import { OrdersService } from './orders.service.ts';
import { PublishingStatus } from './publishing-status.ts';
import type { ShopEvent } from './shop.ts';

export interface OrdersModuleOptions {
  readonly redis: string;
  readonly prefix: string;
  readonly partitions: number | undefined;
  readonly listener: PublisherListener;
  readonly status: PublishingStatus;
  readonly announcer: Announcer;
}

/** Who sees an event is left to the installation's audience rules. */
const toEvent = ({ id, time, tenantid, subject, data }: ShopEvent) => ({ id, time, tenantid, subject, data });

@Module({})
class OrdersModule {}

/** The orders service, whose events become realtime by being emitted. */
export function ordersModule(options: OrdersModuleOptions): DynamicModule {
  const { redis, prefix, partitions, listener, status, announcer } = options;
  return {
    module: OrdersModule,
    imports: [
      EventEmitterModule.forRoot({ wildcard: true }),
      PublishingModule.forRoot({
        redis,
        prefix,
        ...(partitions === undefined ? {} : { partitions }),
        source: '/demo/orders',
        forward: [
          { on: 'order.*', toEvent },
          { on: 'notification.*', toEvent },
        ],
        // What is still waiting then was emitted while Redis was away: a demo need not wait for it.
        forwarding: { shutdownTimeoutMs: 1_000 },
        listener,
        onConnectionError: () => status.onConnectionError(),
      }),
    ],
    providers: [
      OrdersService,
      OrderTraffic,
      Announcements,
      { provide: PublishingStatus, useValue: status },
      { provide: Announcer, useValue: announcer },
    ],
  };
}
