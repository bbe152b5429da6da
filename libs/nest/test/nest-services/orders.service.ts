import { Injectable } from '@nestjs/common';
import { EventEmitter2 } from '@nestjs/event-emitter';
import { EventPublisher } from '@rejoin/nest';

interface OrderEvents {
  'order.refunded': { customerId: string; amount: number };
}

@Injectable()
export class OrdersService {
  constructor(
    private readonly emitter: EventEmitter2,
    private readonly publisher: EventPublisher<OrderEvents>,
  ) {}

  /** Emitted, as the service did before: forwarded to Rejoin, and nobody waits for it. */
  pay(tenantId: string, orderId: string, customerId: string): void {
    this.emitter.emit('order.paid', { tenantId, subject: orderId, customerId });
  }

  /** Published: the caller learns whether Rejoin has it. */
  async refund(tenantId: string, orderId: string, customerId: string): Promise<string> {
    const { cursor } = await this.publisher.publish({
      id: `refund-${orderId}`,
      source: '/orders',
      type: 'order.refunded',
      tenantid: tenantId,
      subject: orderId,
      data: { customerId, amount: 1999 },
    });
    return cursor;
  }
}
