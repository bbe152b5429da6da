/** Clients that are all told to come back spread over this time, in milliseconds. */
const RETURN_SPREAD_MS = 2_000;

/** Spread, so that clients that are told together do not come back together. */
export function returnDelayMs(): number {
  return Math.round(Math.random() * RETURN_SPREAD_MS);
}

/** At least `waitMs`, and spread likewise: whoever waits for the same moment would come at the same moment. */
export function spread(waitMs: number): number {
  return Math.round(waitMs) + returnDelayMs();
}
