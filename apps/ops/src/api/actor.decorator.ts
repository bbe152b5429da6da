import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Actor } from '@rejoin/operations';
import type { Request } from 'express';
import { principalOf } from '../access/bearer.guard.ts';

/** On whose behalf the request is made, as its token says. */
export const By = createParamDecorator((_: unknown, context: ExecutionContext): Actor => {
  const { userId, tenantId } = principalOf(context.switchToHttp().getRequest<Request>());
  return { user: userId, tenant: tenantId ?? null };
});
