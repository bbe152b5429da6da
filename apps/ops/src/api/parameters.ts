import * as v from 'valibot';

/** Parameters of requests, as text on the wire and typed behind the pipe. */

export const integerText = v.pipe(v.string(), v.regex(/^\d{1,15}$/, 'must be a whole number'), v.transform(Number));

/** Most items of a page. */
export const limit = v.optional(
  v.pipe(integerText, v.minValue(1), v.maxValue(500), v.description('most items of a page')),
);

export const after = v.optional(v.pipe(v.string(), v.maxLength(512), v.description('`next` of the page before')));

export const order = v.optional(v.picklist(['asc', 'desc']));

export const text = v.pipe(v.string(), v.minLength(1), v.maxLength(256));

/** `1` or `true`: yes. */
export const flag = v.optional(
  v.pipe(
    v.picklist(['0', '1', 'true', 'false']),
    v.transform((value) => value === '1' || value === 'true'),
  ),
);

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A time: RFC 3339, or a span before now such as `15m`; behind the pipe, milliseconds since the Unix epoch. */
export const timeText = v.pipe(
  v.string(),
  v.description('RFC 3339, or a span before now such as 15m'),
  v.check((value) => parseTime(value) !== null, 'must be an RFC 3339 time, or a span before now such as 15m'),
  v.transform((value) => parseTime(value) as number),
);

function parseTime(value: string): number | null {
  const [, amount, unit] = /^(\d{1,6})(s|m|h|d)$/.exec(value) ?? [];
  if (amount !== undefined && unit !== undefined) return Date.now() - Number(amount) * (UNITS[unit] as number);
  const ms = /^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isFinite(ms) && ms >= 0 ? ms : null;
}

/** Why something is done; goes into the audit. */
export const reason = v.pipe(v.string(), v.trim(), v.minLength(1, 'a reason is required'), v.maxLength(500));

export const dryRun = v.optional(v.boolean(), false);
