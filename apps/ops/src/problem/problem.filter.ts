import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Inject } from '@nestjs/common';
import type { Logger } from '@rejoin/runtime';
import type { Request, Response } from 'express';
import { LOGGER } from '../logger.ts';
import { operationProblem } from './operation-problem.ts';
import { Problem, type ProblemCode } from './problem.ts';

/** Answers whatever a request ends with as `application/problem+json`. Nothing unexpected is shown, only logged. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  readonly #logger: Logger;

  constructor(@Inject(LOGGER) logger: Logger) {
    this.#logger = logger;
  }

  catch(exception: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<Request>();
    const response = http.getResponse<Response>();
    const problem = asProblem(exception);
    if (problem.status >= 500) {
      const level = problem.code === 'INTERNAL_ERROR' ? 'error' : 'warn';
      this.#logger[level](
        { err: problem.cause ?? problem, code: problem.code, method: request.method },
        'request failed',
      );
    }
    // The client is gone, or half an answer is on its way: nothing that is sent now would make sense.
    if (response.destroyed || response.headersSent) {
      response.destroy();
      return;
    }
    response.status(problem.status);
    for (const [name, value] of Object.entries(problem.headers)) response.setHeader(name, value);
    response.setHeader('content-type', 'application/problem+json');
    response.end(JSON.stringify(problem.body()));
  }
}

function asProblem(exception: unknown): Problem {
  if (exception instanceof Problem) return exception;
  const problem = operationProblem(exception);
  if (problem) return problem;
  if (exception instanceof HttpException && exception.getStatus() < 500) {
    const status = exception.getStatus();
    return new Problem(status, CODES[status] ?? 'BAD_REQUEST', exception.message, { cause: exception });
  }
  return new Problem(500, 'INTERNAL_ERROR', 'the request could not be answered', { cause: exception });
}

/** What Nest and Express themselves throw. */
const CODES: Readonly<Record<number, ProblemCode>> = { 404: 'NOT_FOUND' };
