import { Body, Controller, Get, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import {
  type Actor,
  PARTITION_SORTS,
  type PartitionDetail,
  type PartitionsPage,
  type PauseOutcome,
  type PendingPage,
  partitionDetail,
  partitionStatus,
  partitionsPage,
  pauseOutcome,
  pendingPage,
} from '@rejoin/operations';
import * as v from 'valibot';
import { By } from '../api/actor.decorator.ts';
import { Act, Look } from '../api/endpoint.decorator.ts';
import { after, dryRun, integerText, limit, order, reason, text } from '../api/parameters.ts';
import { OperationsAccess } from '../operations/operations-access.ts';

const listQuery = v.strictObject({
  status: v.optional(partitionStatus),
  sort: v.optional(v.picklist(PARTITION_SORTS)),
  order,
  limit,
  after,
});

const pendingQuery = v.strictObject({ tenant: v.optional(text), minIdleMs: v.optional(integerText), limit, after });

const pauseBody = v.strictObject({ durationMs: v.pipe(v.number(), v.integer(), v.minValue(1)), reason, dryRun });
const resumeBody = v.strictObject({ reason, dryRun });

/** How the partitions do, what is under way in them, and stopping them for a time. */
@ApiTags('partitions')
@Controller('v1/partitions')
export class PartitionsController {
  readonly #operations: OperationsAccess;

  constructor(operations: OperationsAccess) {
    this.#operations = operations;
  }

  @Get()
  @Look({ summary: 'Health, lag, owners and rates of every partition', answer: partitionsPage })
  async list(
    @By() actor: Actor,
    @Query({ schema: listQuery }) { status, ...query }: v.InferOutput<typeof listQuery>,
  ): Promise<PartitionsPage> {
    const { partitions } = await this.#operations.open();
    return partitions.list(actor, { ...query, ...(status === undefined ? {} : { status: [status] }) });
  }

  @Get(':partition')
  @Look({ summary: 'One partition, with its last hour', answer: partitionDetail })
  async get(
    @By() actor: Actor,
    @Param('partition', { schema: integerText }) partition: number,
  ): Promise<PartitionDetail> {
    const { partitions } = await this.#operations.open();
    return partitions.get(actor, partition);
  }

  @Get(':partition/pending')
  @Look({
    summary: 'Entries that were read and not acknowledged; looking changes no delivery count',
    answer: pendingPage,
  })
  async pending(
    @By() actor: Actor,
    @Param('partition', { schema: integerText }) partition: number,
    @Query({ schema: pendingQuery }) query: v.InferOutput<typeof pendingQuery>,
  ): Promise<PendingPage> {
    const { partitions, pending } = await this.#operations.open();
    partitions.require(partition);
    return pending.list(actor, partition, query);
  }

  @Post(':partition/pause')
  @Act({ summary: 'Stop fan-out for a time; it ends by itself', answer: pauseOutcome })
  async pause(
    @By() actor: Actor,
    @Param('partition', { schema: integerText }) partition: number,
    @Body({ schema: pauseBody }) request: v.InferOutput<typeof pauseBody>,
  ): Promise<PauseOutcome> {
    const { partitions, pauses } = await this.#operations.open();
    partitions.require(partition);
    return pauses.pause(actor, partition, request);
  }

  @Post(':partition/resume')
  @Act({ summary: 'End a pause', answer: pauseOutcome })
  async resume(
    @By() actor: Actor,
    @Param('partition', { schema: integerText }) partition: number,
    @Body({ schema: resumeBody }) request: v.InferOutput<typeof resumeBody>,
  ): Promise<PauseOutcome> {
    const { partitions, pauses } = await this.#operations.open();
    partitions.require(partition);
    return pauses.resume(actor, partition, request);
  }
}
