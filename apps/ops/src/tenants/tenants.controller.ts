import { Controller, Get, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { type Actor, TENANT_SORTS, type TenantsPage, tenantsPage } from '@rejoin/operations';
import * as v from 'valibot';
import { By } from '../api/actor.decorator.ts';
import { Look } from '../api/endpoint.decorator.ts';
import { after, limit, order } from '../api/parameters.ts';
import { OperationsAccess } from '../operations/operations-access.ts';

const listQuery = v.strictObject({ sort: v.optional(v.picklist(TENANT_SORTS)), order, limit, after });

/** Noisy neighbours. */
@ApiTags('tenants')
@Controller('v1/tenants')
export class TenantsController {
  readonly #operations: OperationsAccess;

  constructor(operations: OperationsAccess) {
    this.#operations = operations;
  }

  @Get()
  @Look({
    summary: 'Tenants by events, room writes, bytes and dead letters, among the newest entries',
    answer: tenantsPage,
  })
  async list(
    @By() actor: Actor,
    @Query({ schema: listQuery }) query: v.InferOutput<typeof listQuery>,
  ): Promise<TenantsPage> {
    const { tenants } = await this.#operations.open();
    return tenants.list(actor, query);
  }
}
