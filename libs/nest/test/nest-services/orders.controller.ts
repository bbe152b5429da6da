import { Controller, Param, Post } from '@nestjs/common';
import { OrdersService } from './orders.service.ts';

@Controller('orders')
export class OrdersController {
  constructor(private readonly orders: OrdersService) {}

  @Post(':id/pay')
  pay(@Param('id') id: string): void {
    this.orders.pay('acme', id, 'c-7');
  }

  @Post(':id/refund')
  async refund(@Param('id') id: string): Promise<{ cursor: string }> {
    return { cursor: await this.orders.refund('acme', id, 'c-7') };
  }
}
