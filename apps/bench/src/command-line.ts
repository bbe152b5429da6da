import { parseArgs } from 'node:util';
import { BenchError } from './errors.ts';

export interface CommandLine {
  readonly scenario: string;
  /** One JSON document on standard output in place of the table. */
  readonly json: boolean;
  /** Keep the result in `apps/bench/results`. */
  readonly record: boolean;
  readonly quick: boolean;
  readonly profileDirectory?: string;
}

export function usage(scenarios: readonly string[]): string {
  return `Usage: npm run bench -- <scenario> [--json] [--record] [--quick] [--profile <directory>]

Runs this project and the stock stack (socket.io, Redis Streams adapter, connection state recovery) side by side.

Scenarios: ${scenarios.join(', ')}
  --json      one JSON document on standard output
  --record    keep the result in apps/bench/results
  --quick     small sizes, to see that it works; the figures mean nothing
  --profile   V8 CPU profiles of this project's processes go into that directory
`;
}

/** @throws BenchError `USAGE` */
export function parseCommandLine(args: readonly string[], scenarios: readonly string[]): CommandLine {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(args);
  } catch (cause) {
    throw new BenchError('USAGE', (cause as Error).message, { cause });
  }
  const { values, positionals } = parsed;
  const [scenario, ...rest] = positionals;
  if (scenario === undefined || rest.length > 0) throw new BenchError('USAGE', 'name one scenario');
  if (!scenarios.includes(scenario)) throw new BenchError('USAGE', `there is no scenario "${scenario}"`);
  return {
    scenario,
    json: values.json,
    record: values.record,
    quick: values.quick,
    ...(values.profile === undefined ? {} : { profileDirectory: values.profile }),
  };
}

function parse(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      record: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      profile: { type: 'string' },
      // For scripts/bench.mjs, which prepares the checkout.
      'no-install': { type: 'boolean', default: false },
    },
  });
}
