import type { SeededRandom } from '@rejoin/testing';

/** What may be done to the system, in the order in which the documentation tells it. Every round deals each once. */
export const FAULT_KINDS = [
  'kill-worker',
  'kill-gateway',
  'kill-publisher',
  'kill-ops',
  'freeze-worker',
  'freeze-gateway',
  'skew-worker',
  'roll-workers',
  'roll-gateways',
  'kill-redis',
  'freeze-redis',
  'delay',
  'cut',
  'black-hole',
  'silence',
  'lose-replies',
  'lose-requests',
  'trim-age',
  'trim-count',
  'trim-bytes',
  'flood',
  'poison',
  'fatal-event',
  'clock-jump',
  'duplicate',
  'client-cut',
  'client-hop',
  'client-away',
  'client-black-hole',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export interface PlannedFault {
  readonly kind: FaultKind;
  /** From the round's beginning, in milliseconds. */
  readonly atMs: number;
  /** How long it holds, in milliseconds. */
  readonly forMs: number;
  /** Which of those that it may be done to, from 0. */
  readonly target: number;
}

/** How long each kind holds, in milliseconds: from, to. A lease holds for 4 s. */
const DURATIONS: Partial<Record<FaultKind, readonly [number, number]>> = {
  'kill-worker': [0, 2_000],
  'kill-gateway': [0, 2_000],
  'kill-publisher': [0, 2_000],
  'kill-ops': [0, 2_000],
  'freeze-worker': [5_000, 8_000],
  'freeze-gateway': [1_000, 20_000],
  'skew-worker': [4_000, 8_000],
  'kill-redis': [0, 1_500],
  'freeze-redis': [500, 3_000],
  delay: [2_000, 8_000],
  'black-hole': [4_000, 10_000],
  silence: [1_000, 8_000],
  'lose-replies': [500, 2_000],
  'lose-requests': [500, 4_000],
  'trim-age': [4_000, 8_000],
  'trim-count': [4_000, 8_000],
  'trim-bytes': [4_000, 8_000],
  'clock-jump': [1_000, 20_000],
  'client-away': [2_000, 12_000],
  'client-black-hole': [4_000, 10_000],
};

/**
 * Draws one round: each kind once, spread over `spanMs` in an order that the numbers decide. The event that ends its workers comes
 * first, since it takes longest: each death costs a lease.
 */
export function drawRound(random: SeededRandom, spanMs: number): PlannedFault[] {
  const others = random.shuffled(FAULT_KINDS.filter((kind) => kind !== 'fatal-event'));
  const kinds: readonly FaultKind[] = ['fatal-event', ...others];
  const slotMs = spanMs / kinds.length;
  return kinds.map((kind, index) => {
    const [from, to] = DURATIONS[kind] ?? [0, 0];
    return {
      kind,
      atMs: Math.round(index * slotMs + random.between(0, Math.floor(slotMs))),
      forMs: random.between(from, to),
      target: random.between(0, 1_000),
    };
  });
}

/** In a few words. */
export function describeFault({ kind, forMs }: PlannedFault, target: string): string {
  const time = forMs > 0 ? ` for ${(forMs / 1_000).toFixed(1)} s` : '';
  return `${kind}${target === '' ? '' : ` ${target}`}${time}`;
}
