import { WebSocketGateway } from '@nestjs/websockets';
import { ClientCommand, WatchPolicies } from '@rejoin/nest';
import { type CommandContext, type ConnectionPrincipal, ResumableGateway } from '@rejoin/socketio';
import * as v from 'valibot';

const Order = v.strictObject({ orderId: v.pipe(v.string(), v.minLength(1), v.maxLength(200)) });
type Order = v.InferOutput<typeof Order>;

/**
 * Orders. An `order.*` event goes to its customer, to the tenant's staff and to whoever watches the order (the audience
 * rules of `@rejoin/audience`). Staff may watch any order of the tenant; a customer only an order whose events named them.
 */
@WebSocketGateway()
export class OrdersGateway {
  readonly #gateway: ResumableGateway;

  constructor(gateway: ResumableGateway, policies: WatchPolicies) {
    this.#gateway = gateway;
    policies.register('order', (principal, id) => this.#mayWatch(principal, id));
  }

  @ClientCommand('orders:watch', { schema: Order })
  async watch({ orderId }: Order, { connection }: CommandContext) {
    await this.#gateway.membership.watch(connection, { kind: 'resource', resource: 'order', id: orderId });
    return { watching: [...connection.watched.keys()] };
  }

  @ClientCommand('orders:unwatch', { schema: Order })
  async unwatch({ orderId }: Order, { connection }: CommandContext) {
    await this.#gateway.membership.unwatch(connection, { kind: 'resource', resource: 'order', id: orderId });
    return { watching: [...connection.watched.keys()] };
  }

  #mayWatch({ tenantId, userId, roles }: ConnectionPrincipal, id: string): boolean | Promise<boolean> {
    if (roles.includes('staff')) return true;
    const order = { kind: 'resource', resource: 'order', id } as const;
    return this.#gateway.history.meet(tenantId, order, { kind: 'user', id: userId });
  }
}
