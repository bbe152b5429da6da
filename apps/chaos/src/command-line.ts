import { parseArgs } from 'node:util';

export interface CommandLine {
  readonly seed: number;
  readonly minutes: number;
}

export const USAGE = `Usage: npm run chaos -- [--seed <number>] [--minutes <number>]

Runs the whole system while it kills, stops, cuts and poisons it, and checks what every client received.

  --seed      what is drawn, when; random by default, and printed
  --minutes   how long, in rounds of about a minute; 10 by default
`;

export class UsageError extends Error {
  readonly code = 'USAGE';
  override readonly name = 'UsageError';
}

/** @throws UsageError */
export function parseCommandLine(args: readonly string[]): CommandLine {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
        minutes: { type: 'string', default: '10' },
        // For scripts/chaos.mjs, which prepares the checkout.
        'no-install': { type: 'boolean', default: false },
      },
    });
    const seed = Number(values.seed);
    const minutes = Number(values.minutes);
    if (!Number.isSafeInteger(seed) || seed < 0) throw new UsageError('--seed must be a whole number');
    if (!(minutes > 0 && minutes <= 1_440)) throw new UsageError('--minutes must be a number above 0, up to 1440');
    return { seed, minutes };
  } catch (cause) {
    throw cause instanceof UsageError ? cause : new UsageError((cause as Error).message, { cause });
  }
}
