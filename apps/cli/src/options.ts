import { type Command, InvalidArgumentError, Option } from 'commander';

const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Milliseconds of `90s`, `10m`, `2h`, `1d`. @throws InvalidArgumentError */
export function duration(text: string): number {
  const [, amount, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  if (amount === undefined || unit === undefined)
    throw new InvalidArgumentError('it is a duration, for example 90s, 10m, 2h or 1d');
  return Number(amount) * UNITS[unit as keyof typeof UNITS];
}

/** A whole number. @throws InvalidArgumentError */
export function whole(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('it is a whole number');
  return Number(text);
}

/** An option that takes one of some words. */
export function choice(flags: string, description: string, words: readonly string[]): Option {
  return new Option(flags, description).choices(words);
}

/** Most items, within what the API gives at once, and where to go on. */
export function paged(command: Command, most: number, what: string): Command {
  return command
    .option('--limit <n>', `most ${what}`, whole, most)
    .option('--after <next>', 'where the page before ended');
}

/** A command that only looks, and so may look again and again. */
export function watched(command: Command): Command {
  return command.option('--watch [every]', 'look again and again, every 2s or so often as said', duration);
}

/** A command that changes something. */
export function acting(command: Command): Command {
  return command
    .requiredOption('--reason <text>', 'why; goes into the audit')
    .option('--dry-run', 'only say what would happen')
    .option('-y, --yes', 'do it without being asked; needed off a terminal');
}

/** Payloads are shown for a reason; ends the command where there is none. */
export function requireReason(command: Command, { payload, reason }: { payload?: unknown; reason?: unknown }): void {
  const isGiven = typeof reason === 'string' && reason.trim() !== '';
  if (payload === true && !isGiven) command.error('error: --payload needs a --reason, which goes into the audit');
}
