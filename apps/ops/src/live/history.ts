import type { LagSample } from '@rejoin/operations';

/** Steps of the last hour. */
const STEPS = 60;
const STEP_MS = 60_000;

/** The last hour of every partition by the minute: the most of each, `null` where nothing is known of it. */
export interface History {
  /** Start of the first minute, milliseconds since 1970. */
  readonly from: number;
  readonly stepMs: number;
  readonly lag: readonly (readonly (number | null)[])[];
}

/** @param hours samples by partition, in any order */
export function historyOf(hours: readonly (readonly LagSample[])[], nowMs: number): History {
  const from = (Math.floor(nowMs / STEP_MS) - STEPS + 1) * STEP_MS;
  const lag = hours.map((samples) => {
    const steps = Array.from({ length: STEPS }, (): number | null => null);
    for (const { at, value } of samples) {
      const step = Math.floor((Date.parse(at) - from) / STEP_MS);
      if (value === null || step < 0 || step >= STEPS) continue;
      steps[step] = Math.max(steps[step] ?? 0, value);
    }
    return steps;
  });
  return { from, stepMs: STEP_MS, lag };
}
