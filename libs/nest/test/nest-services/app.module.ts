import { Module } from '@nestjs/common';
import { EventEmitterModule } from '@nestjs/event-emitter';
import { PublishingModule } from '@rejoin/nest';
import { OrdersController } from './orders.controller.ts';
import { OrdersService } from './orders.service.ts';
import { PublishFailures } from './publish-failures.ts';

@Module({
  imports: [
    EventEmitterModule.forRoot({ wildcard: true }),
    PublishingModule.forRootAsync({
      useFactory: () => ({
        redis: process.env.REDIS_URL ?? 'redis://127.0.0.1:6379',
        prefix: process.env.REJOIN_PREFIX ?? 'rejoin',
        source: '/orders',
        forward: [
          { on: 'order.*' },
          {
            on: 'stock.low',
            toEvent: ({ tenantId, sku, left }: { tenantId: string; sku: string; left: number }) => ({
              tenantid: tenantId,
              subject: sku,
              audience: 'role:staff',
              data: { sku, left },
            }),
          },
        ],
      }),
    }),
  ],
  controllers: [OrdersController],
  providers: [OrdersService, PublishFailures],
})
export class AppModule {}
