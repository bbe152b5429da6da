import { Body, Controller, Get, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { type Actor, type BlocksPage, blocksPage, type LiftOutcome, liftOutcome } from '@rejoin/operations';
import * as v from 'valibot';
import { By } from '../api/actor.decorator.ts';
import { Act, Look } from '../api/endpoint.decorator.ts';
import { after, dryRun, limit, reason, text } from '../api/parameters.ts';
import { OperationsAccess } from '../operations/operations-access.ts';

const listQuery = v.strictObject({ tenant: v.optional(text), user: v.optional(text), limit, after });
const liftBody = v.strictObject({ tenant: v.optional(text), user: v.optional(text), reason, dryRun });

/** Who is kept out by an operator. They come to be by disconnecting somebody with a block. */
@ApiTags('connections')
@Controller('v1/blocks')
export class BlocksController {
  readonly #operations: OperationsAccess;

  constructor(operations: OperationsAccess) {
    this.#operations = operations;
  }

  @Get()
  @Look({ summary: 'Users and tenants who are kept out for a time, latest first', answer: blocksPage })
  async list(
    @By() actor: Actor,
    @Query({ schema: listQuery }) query: v.InferOutput<typeof listQuery>,
  ): Promise<BlocksPage> {
    const { blocks } = await this.#operations.open();
    return blocks.list(actor, query);
  }

  @Post('lift')
  @Act({ summary: 'Let somebody in again before the time is over', answer: liftOutcome })
  async lift(
    @By() actor: Actor,
    @Body({ schema: liftBody }) request: v.InferOutput<typeof liftBody>,
  ): Promise<LiftOutcome> {
    const { blocks } = await this.#operations.open();
    return blocks.lift(actor, request);
  }
}
