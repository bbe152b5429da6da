import { Controller, Get, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { type Actor, AUDIT_ACTIONS, type AuditPage, auditPage } from '@rejoin/operations';
import * as v from 'valibot';
import { By } from '../api/actor.decorator.ts';
import { Look } from '../api/endpoint.decorator.ts';
import { after, limit, text, timeText } from '../api/parameters.ts';
import { OperationsAccess } from '../operations/operations-access.ts';

const query = v.strictObject({
  action: v.optional(v.picklist(AUDIT_ACTIONS)),
  by: v.optional(text),
  since: v.optional(timeText),
  until: v.optional(timeText),
  limit,
  after,
});

/** Who did what, why, on how many. */
@ApiTags('audit')
@Controller('v1/audit')
export class AuditController {
  readonly #operations: OperationsAccess;

  constructor(operations: OperationsAccess) {
    this.#operations = operations;
  }

  @Get()
  @Look({ summary: 'Who did what, why, on how many; latest first', answer: auditPage })
  async list(
    @By() actor: Actor,
    @Query({ schema: query }) { since: sinceMs, until: untilMs, ...rest }: v.InferOutput<typeof query>,
  ): Promise<AuditPage> {
    const { audit } = await this.#operations.open();
    return audit.list(actor, { ...rest, sinceMs, untilMs });
  }
}
