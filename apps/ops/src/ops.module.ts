import { type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { TokenVerifier } from '@rejoin/identity';
import type { SettingsView } from '@rejoin/operations';
import type { Publisher } from '@rejoin/publisher';
import type { Logger } from '@rejoin/runtime';
import { BearerGuard } from './access/bearer.guard.ts';
import { REQUEST_BODIES } from './api/json-body.interceptor.ts';
import { AuditController } from './audit/audit.controller.ts';
import { BlocksController } from './blocks/blocks.controller.ts';
import { type BodyLimits, BodyReader } from './body/body-reader.ts';
import { ConnectionsController } from './connections/connections.controller.ts';
import { DeadLettersController } from './dead-letters/dead-letters.controller.ts';
import { DoctorController } from './doctor/doctor.controller.ts';
import { EventsController, PUBLISHER } from './events/events.controller.ts';
import { PeekController } from './events/peek.controller.ts';
import { PublishLimits } from './events/publish-limits.ts';
import { GroupsController } from './groups/groups.controller.ts';
import { LOGGER } from './logger.ts';
import { OperationsAccess } from './operations/operations-access.ts';
import { PartitionsController } from './partitions/partitions.controller.ts';
import { ProblemFilter } from './problem/problem.filter.ts';
import { SETTINGS, SessionController } from './session/session.controller.ts';
import { TenantsController } from './tenants/tenants.controller.ts';

/** What the process holds and the module uses. */
export interface OpsResources {
  readonly publisher: Publisher;
  readonly verifier: TokenVerifier;
  readonly bodyLimits: BodyLimits;
  readonly publishLimits: PublishLimits;
  readonly logger: Logger;
  readonly operations: OperationsAccess;
  settings(): Promise<SettingsView>;
}

/** An operator's requests name filters and ids, nothing large. */
const REQUEST_LIMITS: BodyLimits = {
  maxBodyBytes: 256 * 1024,
  maxHeldBytes: 4 * 1024 ** 2,
  tooLarge: 'REQUEST_TOO_LARGE',
};

@Module({})
class OpsModule {}

/** The module around what the process holds. */
export function opsModule({
  publisher,
  verifier,
  bodyLimits,
  publishLimits,
  logger,
  operations,
  settings,
}: OpsResources): DynamicModule {
  return {
    module: OpsModule,
    // Peeking stands before publishing, which refuses every other method of the same path.
    controllers: [
      PeekController,
      EventsController,
      PartitionsController,
      DeadLettersController,
      ConnectionsController,
      BlocksController,
      GroupsController,
      DoctorController,
      AuditController,
      SessionController,
      TenantsController,
    ],
    providers: [
      BearerGuard,
      { provide: PUBLISHER, useValue: publisher },
      { provide: TokenVerifier, useValue: verifier },
      { provide: BodyReader, useValue: new BodyReader(bodyLimits) },
      { provide: PublishLimits, useValue: publishLimits },
      { provide: REQUEST_BODIES, useValue: new BodyReader(REQUEST_LIMITS) },
      { provide: OperationsAccess, useValue: operations },
      { provide: SETTINGS, useValue: settings },
      { provide: LOGGER, useValue: logger },
      { provide: APP_FILTER, useClass: ProblemFilter },
    ],
  };
}
