import type { Variable } from './variable.ts';

/** The environment says something that a process cannot start with; the message names every bad variable. */
export class InvalidConfigurationError extends Error {
  readonly code = 'INVALID_CONFIGURATION';
  override readonly name = 'InvalidConfigurationError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`configuration:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

type Values<Variables> = {
  readonly [Name in keyof Variables]: Variables[Name] extends Variable<infer Value> ? Value : never;
};

/**
 * Reads a set of variables from an environment. An empty value counts as absent.
 * @throws InvalidConfigurationError naming each bad variable, what is wrong with it, and an example
 */
// biome-ignore lint/suspicious/noExplicitAny: the map is open in the value type of each variable
export function readConfiguration<Variables extends Record<string, Variable<any>>>(
  variables: Variables,
  environment: NodeJS.ProcessEnv,
): Values<Variables> {
  const problems: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [key, variable] of Object.entries(variables)) {
    const text = environment[variable.name];
    if (text === undefined || text.trim() === '') {
      values[key] = variable.fallback;
      continue;
    }
    try {
      values[key] = variable.parse(text.trim());
    } catch (error) {
      problems.push(`${variable.name} ${(error as Error).message}; for example ${variable.name}=${variable.example}`);
    }
  }
  if (problems.length > 0) throw new InvalidConfigurationError(problems);
  return values as Values<Variables>;
}

/**
 * Loads what a variable names; where that fails, the variable is bad.
 * @throws InvalidConfigurationError
 */
export async function loadVariable<Value>(
  { name, example }: { readonly name: string; readonly example: string },
  load: () => Promise<Value>,
): Promise<Value> {
  try {
    return await load();
  } catch (error) {
    throw new InvalidConfigurationError([`${name}: ${(error as Error).message}; for example ${name}=${example}`]);
  }
}
