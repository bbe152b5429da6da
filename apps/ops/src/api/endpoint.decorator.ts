import { applyDecorators, HttpCode, UseGuards, UseInterceptors } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiResponse } from '@nestjs/swagger';
import type { Scope } from '@rejoin/identity';
import type * as v from 'valibot';
import { BearerGuard, RequireScope } from '../access/bearer.guard.ts';
import { JsonBodyInterceptor } from './json-body.interceptor.ts';
import { problemBody } from './problem-schema.ts';

export interface EndpointDescription {
  readonly summary: string;
  readonly answer: v.GenericSchema;
  readonly status?: number;
}

const problem = (status: number, description: string) =>
  ApiResponse({ status, description, content: { 'application/problem+json': { schema: problemBody } } });

function endpoint(scope: Scope, { summary, answer, status = 200 }: EndpointDescription): MethodDecorator {
  return applyDecorators(
    HttpCode(status),
    UseGuards(BearerGuard),
    RequireScope(scope),
    ApiBearerAuth(),
    ApiOperation({ summary, description: `Needs the scope \`${scope}\`.` }),
    ApiResponse({ status, description: summary, standardSchema: answer as never }),
    problem(400, 'INVALID_REQUEST'),
    problem(401, 'AUTH_REQUIRED, AUTH_INVALID, AUTH_EXPIRED'),
    problem(403, 'FORBIDDEN, TENANT_FORBIDDEN'),
    problem(404, 'NOT_FOUND'),
    problem(503, 'STREAM_UNAVAILABLE'),
  );
}

/** An endpoint that looks: its scope, its answer, and its place in the API's description. */
export function Look(description: EndpointDescription): MethodDecorator {
  return endpoint('ops:read', description);
}

/** An endpoint that acts; it has a JSON body, which is read after the token was checked. */
export function Act(description: EndpointDescription): MethodDecorator {
  return applyDecorators(endpoint('ops:write', description), UseInterceptors(JsonBodyInterceptor));
}
