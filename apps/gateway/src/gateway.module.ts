import { Module } from '@nestjs/common';
import { NotificationsGateway } from './notifications.gateway.ts';
import { OrdersGateway } from './orders.gateway.ts';
import { WatchPolicies } from './watch-policies.ts';

@Module({ providers: [WatchPolicies, OrdersGateway, NotificationsGateway] })
export class GatewayModule {}
