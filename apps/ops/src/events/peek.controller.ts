import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { type Actor, type EventsPage, eventsPage, type TraceView, traceView } from '@rejoin/operations';
import * as v from 'valibot';
import { By } from '../api/actor.decorator.ts';
import { Look } from '../api/endpoint.decorator.ts';
import { after, flag, integerText, limit, reason, text, timeText } from '../api/parameters.ts';
import { OperationsAccess } from '../operations/operations-access.ts';

const query = v.strictObject({
  tenant: v.optional(text),
  type: v.optional(text),
  subject: v.optional(text),
  audience: v.optional(v.pipe(text, v.description('an audience token; needs a tenant'))),
  since: v.optional(timeText),
  until: v.optional(timeText),
  stage: v.optional(v.picklist(['waiting', 'fanned_out'])),
  order: v.optional(v.picklist(['newest', 'oldest'])),
  payload: flag,
  reason: v.optional(v.pipe(reason, v.description('why payloads are shown; goes into the audit'))),
  scanLimit: v.optional(v.pipe(integerText, v.minValue(1), v.maxValue(100_000))),
  limit,
  after,
});

const traceQuery = v.strictObject({
  tenant: v.optional(text),
  user: v.optional(v.pipe(text, v.description('why did this user get it or not'))),
});

/** Looking at events without taking them. */
@ApiTags('events')
@Controller('v1/events')
export class PeekController {
  readonly #operations: OperationsAccess;

  constructor(operations: OperationsAccess) {
    this.#operations = operations;
  }

  @Get()
  @Look({
    summary: 'Events that wait or were fanned out, latest first, and what was looked at for that',
    answer: eventsPage,
  })
  async peek(
    @By() actor: Actor,
    @Query({ schema: query }) { since: sinceMs, until: untilMs, payload, ...rest }: v.InferOutput<typeof query>,
  ): Promise<EventsPage> {
    const { events } = await this.#operations.open();
    return events.peek(actor, { ...rest, sinceMs, untilMs, payload: payload ?? false });
  }

  @Get(':id/trace')
  @Look({
    summary: 'The way of one event, by its id, entry ID or cursor, and why a user got it or not',
    answer: traceView,
  })
  async trace(
    @By() actor: Actor,
    @Param('id', { schema: text }) id: string,
    @Query({ schema: traceQuery }) query: v.InferOutput<typeof traceQuery>,
  ): Promise<TraceView> {
    const { traces } = await this.#operations.open();
    return traces.trace(actor, id, query);
  }
}
