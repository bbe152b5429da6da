import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.ts';

export async function start(port: number) {
  const app = await NestFactory.create(AppModule);
  app.enableShutdownHooks(); // on SIGTERM, what was emitted is published before the process ends
  await app.listen(port);
  return app;
}
