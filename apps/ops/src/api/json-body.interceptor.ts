import { type CallHandler, type ExecutionContext, Inject, Injectable, type NestInterceptor } from '@nestjs/common';
import type { Request } from 'express';
import type { Observable } from 'rxjs';
import type { BodyReader } from '../body/body-reader.ts';
import { Problem } from '../problem/problem.ts';

/** Injection token of the reader of an operator's requests, which are small. */
export const REQUEST_BODIES = Symbol('request bodies');

/** Reads a JSON body into `request.body`: after the guard, so that nothing is read for strangers. */
@Injectable()
export class JsonBodyInterceptor implements NestInterceptor {
  readonly #bodies: BodyReader;

  constructor(@Inject(REQUEST_BODIES) bodies: BodyReader) {
    this.#bodies = bodies;
  }

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const request = context.switchToHttp().getRequest<Request>();
    const mediaType = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase();
    if (mediaType !== 'application/json') {
      throw new Problem(415, 'UNSUPPORTED_MEDIA_TYPE', 'the content type must be application/json', {
        headers: { accept: 'application/json' },
      });
    }
    request.body = await this.#bodies.read(request, async (body) => parse(body));
    return next.handle();
  }
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as unknown;
  } catch (cause) {
    throw new Problem(400, 'INVALID_REQUEST', 'the body is not JSON in UTF-8', { cause });
  }
}
