import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { InvalidResolversError } from './errors.ts';
import type { TypeResolver } from './type-resolver.ts';

/** An event type, or the beginning of one and then `*`. */
const TYPE = /^[^*\s]*\*?$/;

/**
 * Loads resolvers from a JavaScript module, whose export `resolvers` is a list of them, or a function that makes it and may
 * be asynchronous: it may connect to what the resolvers ask.
 * @param path of the module, from the working directory
 * @throws InvalidResolversError where it cannot be loaded, or exports anything else
 */
export async function loadTypeResolvers(path: string): Promise<readonly TypeResolver[]> {
  let exported: unknown;
  try {
    ({ resolvers: exported } = (await import(pathToFileURL(resolve(path)).href)) as { resolvers?: unknown });
    if (typeof exported === 'function') exported = await (exported as () => unknown)();
  } catch (cause) {
    throw new InvalidResolversError(path, [cause instanceof Error ? cause.message : String(cause)], { cause });
  }
  if (!Array.isArray(exported)) {
    throw new InvalidResolversError(path, [
      'must export `resolvers`: a list of resolvers, or a function that makes it',
    ]);
  }
  const problems = exported.flatMap((resolver: unknown, index) =>
    problemsOf(resolver).map((problem) => `[${index}]${problem}`),
  );
  if (problems.length > 0) throw new InvalidResolversError(path, problems);
  return exported as TypeResolver[];
}

function problemsOf(resolver: unknown): string[] {
  if (typeof resolver !== 'object' || resolver === null) return [' must be an object'];
  const { type, name, deadlineMs, resolve: ask } = resolver as Record<string, unknown>;
  return [
    ...(typeof type === 'string' && type !== '' && TYPE.test(type)
      ? []
      : ['.type must be an event type, or the beginning of one and then *']),
    ...(name === undefined || typeof name === 'string' ? [] : ['.name must be a text']),
    ...(deadlineMs === undefined || (typeof deadlineMs === 'number' && deadlineMs >= 1)
      ? []
      : ['.deadlineMs must be a number of milliseconds']),
    ...(typeof ask === 'function' ? [] : ['.resolve must be a function']),
  ];
}
