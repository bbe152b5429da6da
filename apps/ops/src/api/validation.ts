import { StandardSchemaValidationPipe } from '@nestjs/common';
import { Problem } from '../problem/problem.ts';

type PathPart = PropertyKey | { readonly key: PropertyKey };

/** Holds parameters to their schemas; what does not fit is answered with every bad field's path. */
export const validation = new StandardSchemaValidationPipe({
  exceptionFactory: (issues) => {
    const errors = issues.map(({ message, path = [] }) => ({ path: pathOf(path), message }));
    const detail = `${errors.length} ${errors.length === 1 ? 'parameter is' : 'parameters are'} not valid`;
    return new Problem(400, 'INVALID_REQUEST', detail, { errors });
  },
});

function pathOf(path: readonly PathPart[]): string {
  return path.map((part) => String(typeof part === 'object' ? part.key : part)).join('.');
}
