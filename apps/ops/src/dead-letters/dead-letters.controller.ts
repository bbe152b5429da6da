import { Body, Controller, Get, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import {
  type Actor,
  type DeadLetterAction,
  type DeadLetterCountsView,
  type DeadLetterDetail,
  type DeadLetterRequest,
  type DeadLettersPage,
  deadLetterAction,
  deadLetterCounts,
  deadLetterDetail,
  deadLettersPage,
  type TasksPage,
  type TaskView,
  tasksPage,
  taskView,
} from '@rejoin/operations';
import * as v from 'valibot';
import { By } from '../api/actor.decorator.ts';
import { Act, Look } from '../api/endpoint.decorator.ts';
import { after, dryRun, flag, limit, reason, text, timeText } from '../api/parameters.ts';
import { OperationsAccess } from '../operations/operations-access.ts';

const filter = {
  tenant: v.optional(text),
  type: v.optional(text),
  code: v.optional(text),
  fingerprint: v.optional(text),
  since: v.optional(timeText),
  until: v.optional(timeText),
};

const listQuery = v.strictObject({ ...filter, limit, after });
const groupQuery = v.strictObject(filter);
const getQuery = v.strictObject({ payload: flag, reason: v.optional(reason) });
const tasksQuery = v.strictObject({ limit });

const actionBody = v.strictObject({
  ids: v.optional(v.pipe(v.array(text), v.minLength(1), v.maxLength(1_000))),
  filter: v.optional(v.strictObject(filter)),
  reason,
  dryRun,
  ratePerSecond: v.optional(v.pipe(v.number(), v.minValue(0.1), v.maxValue(10_000))),
});
const cancelBody = v.strictObject({ reason });

/** Events that could not be delivered: to look at, to redrive, to discard. */
@ApiTags('dead letters')
@Controller('v1/dead-letters')
export class DeadLettersController {
  readonly #operations: OperationsAccess;

  constructor(operations: OperationsAccess) {
    this.#operations = operations;
  }

  @Get()
  @Look({ summary: 'Dead letters, latest failure first', answer: deadLettersPage })
  async list(
    @By() actor: Actor,
    @Query({ schema: listQuery }) query: v.InferOutput<typeof listQuery>,
  ): Promise<DeadLettersPage> {
    const { deadLetters } = await this.#operations.open();
    return deadLetters.list(actor, timed(query));
  }

  @Get('groups')
  @Look({ summary: 'Dead letters counted by cause, and by tenant and type', answer: deadLetterCounts })
  async groups(
    @By() actor: Actor,
    @Query({ schema: groupQuery }) query: v.InferOutput<typeof groupQuery>,
  ): Promise<DeadLetterCountsView> {
    const { deadLetters } = await this.#operations.open();
    return deadLetters.group(actor, timed(query));
  }

  @Get('tasks')
  @Look({ summary: 'Redrives and discards, under way and over', answer: tasksPage })
  async tasks(
    @By() actor: Actor,
    @Query({ schema: tasksQuery }) query: v.InferOutput<typeof tasksQuery>,
  ): Promise<TasksPage> {
    const { deadLetters } = await this.#operations.open();
    return deadLetters.tasks.list(actor, query.limit);
  }

  @Get('tasks/:id')
  @Look({ summary: 'One redrive or discard with its progress', answer: taskView })
  async task(@By() actor: Actor, @Param('id', { schema: text }) id: string): Promise<TaskView> {
    const { deadLetters } = await this.#operations.open();
    return deadLetters.tasks.get(actor, id);
  }

  @Post('tasks/:id/cancel')
  @Act({ summary: 'End a redrive or discard after its step at hand', answer: taskView })
  async cancel(
    @By() actor: Actor,
    @Param('id', { schema: text }) id: string,
    @Body({ schema: cancelBody }) request: v.InferOutput<typeof cancelBody>,
  ): Promise<TaskView> {
    const { deadLetters } = await this.#operations.open();
    return deadLetters.tasks.cancel(actor, id, request.reason);
  }

  @Get(':id')
  @Look({ summary: 'One dead letter with all that is kept of it', answer: deadLetterDetail })
  async get(
    @By() actor: Actor,
    @Param('id', { schema: text }) id: string,
    @Query({ schema: getQuery }) { payload = false, ...why }: v.InferOutput<typeof getQuery>,
  ): Promise<DeadLetterDetail> {
    const { deadLetters } = await this.#operations.open();
    return deadLetters.get(actor, id, { payload, ...why });
  }

  @Post('redrive')
  @Act({ summary: 'Append dead letters again; the plan alone with dryRun', answer: deadLetterAction })
  async redrive(
    @By() actor: Actor,
    @Body({ schema: actionBody }) request: v.InferOutput<typeof actionBody>,
  ): Promise<DeadLetterAction> {
    const { deadLetters } = await this.#operations.open();
    return deadLetters.redrive(actor, requestOf(request));
  }

  @Post('discard')
  @Act({ summary: 'Remove dead letters, leaving tombstones; the plan alone with dryRun', answer: deadLetterAction })
  async discard(
    @By() actor: Actor,
    @Body({ schema: actionBody }) request: v.InferOutput<typeof actionBody>,
  ): Promise<DeadLetterAction> {
    const { deadLetters } = await this.#operations.open();
    return deadLetters.discard(actor, requestOf(request));
  }
}

function timed<Query extends { since?: number | undefined; until?: number | undefined }>({
  since,
  until,
  ...rest
}: Query) {
  return {
    ...rest,
    ...(since === undefined ? {} : { sinceMs: since }),
    ...(until === undefined ? {} : { untilMs: until }),
  };
}

function requestOf({ filter: asked, ...rest }: v.InferOutput<typeof actionBody>): DeadLetterRequest {
  return { ...rest, ...(asked === undefined ? {} : { filter: timed(asked) }) };
}
