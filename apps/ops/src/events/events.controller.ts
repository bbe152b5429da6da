import { All, Controller, Delete, HttpCode, Inject, Post, Req, UseGuards } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { EventInput, Publisher } from '@rejoin/publisher';
import type { Request } from 'express';
import { BearerGuard, principalOf, RequireScope } from '../access/bearer.guard.ts';
import { BodyReader } from '../body/body-reader.ts';
import { Problem } from '../problem/problem.ts';
import { type EventDocument, parseEventDocument, requireEventMediaType } from './event-document.ts';
import { PublishLimits } from './publish-limits.ts';
import { type PublishResult, publishProblem, publishResult } from './publish-problem.ts';
import { cancelledEvent, deliverAtOf } from './scheduled-event.ts';
import { requireTenant } from './tenant-check.ts';

/** Injection token of the process' publisher. */
export const PUBLISHER = Symbol('publisher');

/** Publishing over HTTP. */
@ApiExcludeController()
@Controller('v1/events')
export class EventsController {
  readonly #publisher: Publisher;
  readonly #bodies: BodyReader;
  readonly #limits: PublishLimits;

  constructor(@Inject(PUBLISHER) publisher: Publisher, bodies: BodyReader, limits: PublishLimits) {
    this.#publisher = publisher;
    this.#bodies = bodies;
    this.#limits = limits;
  }

  /** Takes one event or an array of events: all are validated before any is appended. */
  @Post()
  @HttpCode(202)
  @UseGuards(BearerGuard)
  @RequireScope('events:publish')
  publish(@Req() request: Request): Promise<{ readonly results: readonly PublishResult[] }> {
    requireEventMediaType(request.headers['content-type']);
    const principal = principalOf(request);
    return this.#bodies.read(request, async (body) => {
      const document = parseEventDocument(body);
      requireTenant(principal, document);
      await this.#limits.admit(principal, document);
      return { results: await this.#append(document) };
    });
  }

  /** Takes a scheduled event away before it is due: `?tenantid=&source=&id=`. */
  @Delete('scheduled')
  @HttpCode(204)
  @UseGuards(BearerGuard)
  @RequireScope('events:publish')
  async cancel(@Req() request: Request): Promise<void> {
    const event = cancelledEvent(request.query);
    requireTenant(principalOf(request), { kind: 'event', event });
    const wasThere = await this.#publisher.schedules.cancel(event).catch((error: unknown) => {
      throw publishProblem(error, 'event') ?? error;
    });
    if (!wasThere) throw new Problem(404, 'NOT_FOUND', 'no such event is scheduled; it may have been published');
  }

  @All()
  refuse(@Req() request: Request): never {
    throw new Problem(405, 'METHOD_NOT_ALLOWED', `${request.method} is not possible here`, {
      headers: { allow: 'GET, HEAD, POST' },
    });
  }

  async #append(document: EventDocument): Promise<readonly PublishResult[]> {
    try {
      const deliverAt = deliverAtOf(document);
      if (deliverAt !== null && document.kind === 'event') {
        const scheduled = await this.#publisher.schedules.add(document.event as EventInput, deliverAt);
        const { eventId, duplicate } = scheduled;
        return [{ id: eventId, cursor: null, duplicate, deliverAt: scheduled.deliverAt.toISOString() }];
      }
      // The publisher validates whatever it is given.
      if (document.kind === 'event')
        return [publishResult(await this.#publisher.publish(document.event as EventInput))];
      return (await this.#publisher.publishBatch(document.events as EventInput[])).map(publishResult);
    } catch (error) {
      throw publishProblem(error, document.kind) ?? error;
    }
  }
}
