import type { SeededRandom } from '@rejoin/testing';

/** The tenants of a run: of four partitions, two tenants share one. */
export const TENANTS = ['acme', 'globex', 'initech', 'umbrella', 'hooli'] as const;
export const PARTITIONS = 4;
export const SOURCE = '/chaos';
export const GROUP = 'crew';
/** Who is in the group, in every tenant. */
export const GROUP_MEMBERS = ['u1', 'u3'] as const;

const AUDIENCES = [
  'tenant',
  'user:u1',
  'user:u2,role:staff',
  'role:staff',
  'order:1',
  'user:nobody',
  `group:${GROUP}`,
] as const;

/** More rooms than one script writes to. */
const CROWD = ['user:u1', ...Array.from({ length: 300 }, (_, index) => `user:c${index}`)].join();
/** One event in so many is for it. */
const CROWDED = 50;

export function drawAudience(random: SeededRandom): string {
  return random.chance(1 / CROWDED) ? CROWD : random.pick(AUDIENCES);
}

/** An event of the run. What it is for stands in its data too, so that whoever receives it can be asked whether it may. */
export interface ChaosEvent {
  readonly id: string;
  readonly tenant: string;
  readonly audience: string;
  /**
   * Whether the place that it was given first may not be the one that it has in the end: parked and appended again, or
   * published later.
   */
  readonly moves: boolean;
}

export interface EventData {
  readonly tenant: string;
  readonly audience: string;
  readonly [more: string]: unknown;
}

/** As a publisher is given it. */
export function plain({ id, tenant, audience }: ChaosEvent, more: Readonly<Record<string, unknown>> = {}) {
  const data: EventData = { tenant, audience, ...more };
  return { id, source: SOURCE, type: 'plain.event', tenantid: tenant, audience, data };
}

/** One whose audience a resolver says, when it does not fail any more. */
export function flaky({ id, tenant, audience }: ChaosEvent, failsUntilMs: number) {
  const data: EventData = { tenant, audience, to: audience, failsUntilMs };
  return { id, source: SOURCE, type: 'flaky.event', tenantid: tenant, data };
}
