import { type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { TokenVerifier } from '@rejoin/identity';
import type { Publisher } from '@rejoin/publisher';
import type { Logger } from '@rejoin/runtime';
import { BearerGuard } from './access/bearer.guard.ts';
import { type BodyLimits, BodyReader } from './body/body-reader.ts';
import { EventsController, PUBLISHER } from './events/events.controller.ts';
import { PublishLimits } from './events/publish-limits.ts';
import { LOGGER } from './logger.ts';
import { ProblemFilter } from './problem/problem.filter.ts';

/** What the process holds and the module uses. */
export interface OpsResources {
  readonly publisher: Publisher;
  readonly verifier: TokenVerifier;
  readonly bodyLimits: BodyLimits;
  readonly publishLimits: PublishLimits;
  readonly logger: Logger;
}

@Module({})
class OpsModule {}

/** The module around what the process holds. */
export function opsModule({ publisher, verifier, bodyLimits, publishLimits, logger }: OpsResources): DynamicModule {
  return {
    module: OpsModule,
    controllers: [EventsController],
    providers: [
      BearerGuard,
      { provide: PUBLISHER, useValue: publisher },
      { provide: TokenVerifier, useValue: verifier },
      { provide: BodyReader, useValue: new BodyReader(bodyLimits) },
      { provide: PublishLimits, useValue: publishLimits },
      { provide: LOGGER, useValue: logger },
      { provide: APP_FILTER, useClass: ProblemFilter },
    ],
  };
}
