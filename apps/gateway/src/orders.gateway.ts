import { WebSocketGateway } from '@nestjs/websockets';
import { WatchPolicies } from './watch-policies.ts';

/**
 * Orders. An `order.*` event goes to its customer, to the tenant's staff and to whoever watches the order (the audience
 * rules of `@rejoin/audience`); this gateway says who may watch: the tenant's staff, any order.
 */
@WebSocketGateway()
export class OrdersGateway {
  constructor(policies: WatchPolicies) {
    policies.register('order', ({ roles }) => roles.includes('staff'));
  }
}
