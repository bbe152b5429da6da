const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** `340 ms`, `4.2 s`, `3 min 20 s`, `5 h 12 min`, `2 d 4 h`: two units at most. */
export function formatDuration(ms: number): string {
  if (ms < 0) return `−${formatDuration(-ms)}`;
  if (ms < SECOND_MS) return `${Math.round(ms)} ms`;
  if (ms < 10 * SECOND_MS) return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`;
  if (ms < MINUTE_MS) return `${Math.floor(ms / SECOND_MS)} s`;
  if (ms < HOUR_MS) return twoUnits(ms, MINUTE_MS, 'min', SECOND_MS, 's');
  if (ms < DAY_MS) return twoUnits(ms, HOUR_MS, 'h', MINUTE_MS, 'min');
  return twoUnits(ms, DAY_MS, 'd', HOUR_MS, 'h');
}

function twoUnits(ms: number, large: number, largeName: string, small: number, smallName: string): string {
  const rest = Math.floor((ms % large) / small);
  return `${Math.floor(ms / large)} ${largeName}${rest === 0 ? '' : ` ${rest} ${smallName}`}`;
}

const CLOCK = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const DAY = new Intl.DateTimeFormat('en-GB', { day: '2-digit', month: 'short' });

/** Local `14:03:22`; with the day where it is not today's. */
export function formatTime(at: Date, now = new Date()): string {
  const clock = CLOCK.format(at);
  return at.toDateString() === now.toDateString() ? clock : `${DAY.format(at)} ${clock}`;
}

/** Local `14:03:22.123` */
export function formatPreciseTime(at: Date, now = new Date()): string {
  return `${formatTime(at, now)}.${String(at.getMilliseconds()).padStart(3, '0')}`;
}

const SPAN = /^(\d+(?:\.\d+)?)\s*(ms|s|m|min|h|d)$/;
const SPAN_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: SECOND_MS,
  m: MINUTE_MS,
  min: MINUTE_MS,
  h: HOUR_MS,
  d: DAY_MS,
};

/** Milliseconds of `15m`, `2h`, `1d`; `undefined` where it is none. */
export function parseSpan(text: string): number | undefined {
  const match = SPAN.exec(text.trim());
  return match ? Number(match[1]) * (SPAN_MS[match[2] as string] as number) : undefined;
}
