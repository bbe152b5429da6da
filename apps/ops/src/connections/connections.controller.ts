import { Body, Controller, Get, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import {
  type Actor,
  type ConnectionsPage,
  type CoveragePage,
  connectionsPage,
  coveragePage,
  type DisconnectOutcome,
  disconnectOutcome,
} from '@rejoin/operations';
import * as v from 'valibot';
import { By } from '../api/actor.decorator.ts';
import { Act, Look } from '../api/endpoint.decorator.ts';
import { after, dryRun, limit, order, reason, text } from '../api/parameters.ts';
import { OperationsAccess } from '../operations/operations-access.ts';

const listQuery = v.strictObject({
  tenant: v.optional(text),
  user: v.optional(text),
  socketId: v.optional(text),
  gateway: v.optional(text),
  transport: v.optional(v.picklist(['websocket', 'polling'])),
  state: v.optional(v.picklist(['replaying', 'live', 'closing'])),
  sort: v.optional(v.picklist(['connectedAt', 'user', 'tenant', 'bufferedBytes', 'behind'])),
  order,
  limit,
  after,
});

const disconnectBody = v.strictObject({
  tenant: v.optional(text),
  user: v.optional(text),
  socketId: v.optional(text),
  reason,
  dryRun,
  blockMs: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1_000))),
});

/** Who is connected, and how far back they may resume. */
@ApiTags('connections')
@Controller('v1')
export class ConnectionsController {
  readonly #operations: OperationsAccess;

  constructor(operations: OperationsAccess) {
    this.#operations = operations;
  }

  @Get('connections')
  @Look({ summary: 'Connections of all gateways, with what each lags and buffers', answer: connectionsPage })
  async list(
    @By() actor: Actor,
    @Query({ schema: listQuery }) query: v.InferOutput<typeof listQuery>,
  ): Promise<ConnectionsPage> {
    const { connections } = await this.#operations.open();
    return connections.list(actor, query);
  }

  @Post('connections/disconnect')
  @Act({ summary: 'Tell clients to go, and keep them out for a time where asked', answer: disconnectOutcome })
  async disconnect(
    @By() actor: Actor,
    @Body({ schema: disconnectBody }) request: v.InferOutput<typeof disconnectBody>,
  ): Promise<DisconnectOutcome> {
    const { connections } = await this.#operations.open();
    return connections.disconnect(actor, request);
  }

  @Get('coverage')
  @Look({ summary: 'How far back clients of each partition may resume', answer: coveragePage })
  async coverage(@By() actor: Actor): Promise<CoveragePage> {
    const { coverage } = await this.#operations.open();
    return coverage.list(actor);
  }
}
