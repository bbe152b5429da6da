/**
 * Milliseconds of the machine's monotonic clock. Unlike `performance.now()` it has one origin for all processes, so that a time
 * taken in one may be subtracted in another.
 */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1_000 + nanoseconds / 1e6;
}
