import { Module } from '@nestjs/common';
import { ResumableModule } from '@rejoin/nest';
import { TicketsGateway } from './tickets.gateway.ts';

@Module({
  imports: [
    ResumableModule.forRootAsync({
      useFactory: () => ({
        redisUrl: process.env.REDIS_URL ?? 'redis://127.0.0.1:6379',
        prefix: process.env.REJOIN_PREFIX ?? 'rejoin',
        tokens: { secret: process.env.JWT_SECRET },
        allowedOrigins: ['https://app.example.com'],
      }),
    }),
  ],
  providers: [TicketsGateway],
})
export class AppModule {}
