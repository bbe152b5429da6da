/** One environment variable: its name, how its text is understood, and what stands for it where it is absent. */
export interface Variable<Value> {
  readonly name: string;
  /** A correct value, shown beside a problem. */
  readonly example: string;
  /** Returned where the variable is absent or empty. */
  readonly fallback: Value;
  /** @throws Error whose message completes "`NAME` …" */
  parse(text: string): Value;
}

/** A variable without a fallback is `undefined` where absent. */
type VariableOf<Value> = Variable<Value>;

function variable<Value, Fallback>(
  name: string,
  example: string,
  fallback: Fallback,
  parse: (text: string) => Value,
): VariableOf<Value | Fallback> {
  return { name, example, fallback, parse };
}

/** Any text. */
export function text<Fallback extends string | undefined>(name: string, fallback: Fallback, example: string) {
  return variable<string, Fallback>(name, example, fallback, (value) => value);
}

export function integer<Fallback extends number | undefined>(
  name: string,
  fallback: Fallback,
  { min, max }: { min: number; max: number },
) {
  return variable<number, Fallback>(name, String(fallback ?? min), fallback, (value) => {
    const number = Number(value);
    if (!/^-?\d+$/.test(value) || number < min || number > max) {
      throw new Error(`must be a whole number from ${min} to ${max}, not "${value}"`);
    }
    return number;
  });
}

/** A TCP port; 0 takes a free one. */
export function port(name: string, fallback: number) {
  return integer(name, fallback, { min: 0, max: 65_535 });
}

/** Several TCP ports, separated by commas. */
export function ports(name: string, fallback: readonly number[]) {
  return variable<readonly number[], readonly number[]>(name, fallback.join(','), fallback, (value) =>
    list(value).map((part) => port(name, 0).parse(part) as number),
  );
}

const DURATION_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A duration such as `90s`, `24h` or `7d`, in milliseconds. */
export function durationMs<Fallback extends number | undefined>(name: string, fallback: Fallback, example = '24h') {
  return variable<number, Fallback>(name, example, fallback, (value) => {
    const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(value.trim().toLowerCase());
    const ms = match ? Number(match[1]) * DURATION_MS[match[2] as keyof typeof DURATION_MS] : 0;
    if (!(ms >= 1) || ms > 3_660 * DURATION_MS.d) {
      throw new Error(`must be a duration with its unit (ms, s, m, h, d), not "${value}"`);
    }
    return Math.round(ms);
  });
}

/** A duration that may be none at all: `0s`. */
export function orZero(duration: Variable<number>): Variable<number> {
  return { ...duration, parse: (value) => (/^\s*0(ms|s)\s*$/i.test(value) ? 0 : duration.parse(value)) };
}

const UNIT_BYTES = { b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3, tb: 1024 ** 4 } as const;

/** An amount of memory such as `512mb` or `1gb` (powers of 1,024, as in Redis' own configuration), in bytes. */
export function bytes<Fallback extends number | undefined>(name: string, fallback: Fallback, example = '1gb') {
  return variable<number, Fallback>(name, example, fallback, (value) => {
    const match = /^(\d+(?:\.\d+)?)(b|kb|mb|gb|tb)?$/.exec(value.trim().toLowerCase());
    const amount = match ? Number(match[1]) * UNIT_BYTES[(match[2] ?? 'b') as keyof typeof UNIT_BYTES] : 0;
    if (!(amount >= 1) || !Number.isSafeInteger(Math.round(amount))) {
      throw new Error(`must be an amount of memory with its unit (kb, mb, gb), not "${value}"`);
    }
    return Math.round(amount);
  });
}

/** `1` / `true` or `0` / `false`. */
export function flag(name: string, fallback: boolean) {
  return variable<boolean, boolean>(name, fallback ? '0' : '1', fallback, (value) => {
    if (value === '1' || value === 'true') return true;
    if (value === '0' || value === 'false') return false;
    throw new Error(`must be 1 or 0, not "${value}"`);
  });
}

/** A comma-separated list of texts. */
export function texts<Fallback extends readonly string[] | undefined>(
  name: string,
  fallback: Fallback,
  example: string,
) {
  return variable<readonly string[], Fallback>(name, example, fallback, list);
}

function list(value: string): string[] {
  const parts = value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  if (parts.length === 0) throw new Error('must name at least one value');
  return parts;
}
