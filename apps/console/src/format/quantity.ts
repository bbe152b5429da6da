/** How quantities are written, everywhere on the page. What is not known is `null` and is never written as a number. */

const WHOLE = new Intl.NumberFormat('en');
const COMPACT = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
const FRACTION = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });

/** `1,234,567` */
export function formatCount(value: number): string {
  return WHOLE.format(value);
}

/** `1.2M`, for where there is little room; below 100,000 as {@link formatCount}. */
export function formatCompact(value: number): string {
  return value < 100_000 ? WHOLE.format(value) : COMPACT.format(value);
}

/** `12.5/s`; slower than one in ten seconds, by the minute or the hour, so that little is not written as nothing. */
export function formatRate(perSecond: number): string {
  if (perSecond === 0) return '0/s';
  if (perSecond >= 100) return `${formatCompact(Math.round(perSecond))}/s`;
  if (perSecond >= 0.1) return `${FRACTION.format(perSecond)}/s`;
  if (perSecond * 60 >= 0.1) return `${FRACTION.format(perSecond * 60)}/min`;
  return `${FRACTION.format(perSecond * 3_600)}/h`;
}

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** `1.4 MiB` */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1_024 && unit < BYTE_UNITS.length - 1) {
    value /= 1_024;
    unit += 1;
  }
  return `${value >= 100 || unit === 0 ? Math.round(value) : FRACTION.format(value)} ${BYTE_UNITS[unit]}`;
}

/** `1 partition`, `2 partitions` */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}
