import type { ProcessMetrics } from './process-metrics.ts';

/** What a gateway says of itself when it is asked. */
export interface GatewayFacts {
  readonly connections: number;
  readonly replaying: number;
  readonly bufferedBytes: number;
  /** Events by what became of them for one connection, since the start. */
  readonly deliveries: Readonly<Record<'live' | 'replayed' | 'filtered' | 'missed', number>>;
}

/** What a gateway tells as it happens. */
export interface GatewayListener {
  /** Events were written to their sockets, none later than so many milliseconds after it was appended. */
  onDelivered(latencyMs: number): void;
  onResumed(outcome: ResumeOutcome): void;
  onLimited(scope: string): void;
  onHole(partition: number, reason: string): void;
  onCanary(roundTripMs: number): void;
}

export interface ResumeOutcome {
  readonly result: 'complete' | 'gap' | 'failed' | 'gone';
  /** Of a gap. */
  readonly reason?: string;
  readonly durationMs: number;
}

/** @param facts read at every scrape; `undefined` where there is no gateway yet, and then nothing is said of it */
export function gatewayMetrics(metrics: ProcessMetrics, facts: () => GatewayFacts | undefined): GatewayListener {
  metrics.readCounter('rejoin_gateway_deliveries_total', () =>
    Object.entries(facts()?.deliveries ?? {}).map(([result, count]) => [{ result }, count]),
  );
  const one = (read: (of: GatewayFacts) => number) => () => {
    const now = facts();
    return now ? ([[{}, read(now)]] as const) : [];
  };
  metrics.readGauge(
    'rejoin_gateway_connections',
    one((now) => now.connections),
  );
  metrics.readGauge(
    'rejoin_gateway_replaying_connections',
    one((now) => now.replaying),
  );
  metrics.readGauge(
    'rejoin_gateway_buffered_bytes',
    one((now) => now.bufferedBytes),
  );
  const latency = metrics.histogram('rejoin_delivery_latency_seconds');
  const resumes = metrics.counter('rejoin_resume_total');
  const gaps = metrics.counter('rejoin_resume_gaps_total');
  const resumeDuration = metrics.histogram('rejoin_resume_duration_seconds');
  const limited = metrics.counter('rejoin_rate_limited_total');
  const holes = metrics.counter('rejoin_tail_holes_total');
  const canaries = metrics.histogram('rejoin_canary_duration_seconds');
  return {
    // Clocks of two machines differ; what is negative was fast.
    onDelivered: (latencyMs) => latency(Math.max(0, latencyMs) / 1_000),
    onResumed({ result, reason, durationMs }) {
      resumes({ result });
      if (reason !== undefined) gaps({ reason });
      if (result === 'complete' || result === 'gap') resumeDuration(durationMs / 1_000);
    },
    onLimited: (scope) => limited({ scope }),
    onHole: (_partition, reason) => holes({ reason }),
    onCanary: (roundTripMs) => canaries(roundTripMs / 1_000),
  };
}
