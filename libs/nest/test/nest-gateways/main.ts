import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { useResumableGateways } from '@rejoin/nest';
import { AppModule } from './app.module.ts';

export async function start(port: number) {
  const app = await NestFactory.create(AppModule);
  app.enableShutdownHooks(); // on SIGTERM, clients are told to come back elsewhere
  await useResumableGateways(app);
  await app.listen(port);
  return app;
}
