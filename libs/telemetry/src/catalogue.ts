/** The programs that serve metrics; `service` is any program of somebody else's that publishes. */
export type MetricSource = 'gateway' | 'worker' | 'ops' | 'demo' | 'service';

/** What one metric is, for the registry, the reference page and the checks of dashboards and alert rules. */
export interface MetricDefinition {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  /** Few values each; never a user, an event or a socket. */
  readonly labels: readonly string[];
  /** Upper bounds of a histogram's buckets, in the metric's unit. */
  readonly buckets?: readonly number[];
  readonly from: readonly MetricSource[];
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;
const LONG_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] as const;
const PUBLISHERS = ['ops', 'demo', 'gateway', 'service'] as const;
const ALL = ['gateway', 'worker', 'ops', 'demo'] as const;

/**
 * Every metric of this project, in base units. What is unknown is absent, never 0: a gauge whose value cannot be had loses
 * its series until it can.
 */
export const METRICS = {
  rejoin_ready: {
    type: 'gauge',
    help: 'Whether the process is ready, as /health/ready says: 1 or 0.',
    labels: [],
    from: ALL,
  },

  rejoin_stream_entries: {
    type: 'gauge',
    help: 'Entries of the event stream, handled ones that are not trimmed yet included.',
    labels: ['partition'],
    from: ['ops'],
  },
  rejoin_group_lag_entries: {
    type: 'gauge',
    help: 'Entries that wait: read by nobody. At least so many where rejoin_group_lag_known is 0; absent where nothing is known.',
    labels: ['partition'],
    from: ['ops'],
  },
  rejoin_group_lag_known: {
    type: 'gauge',
    help: 'Whether the lag is exact: 1 or 0.',
    labels: ['partition'],
    from: ['ops'],
  },
  rejoin_group_oldest_undelivered_age_seconds: {
    type: 'gauge',
    help: 'Age of the oldest entry that waits; 0 where it is known that none does.',
    labels: ['partition'],
    from: ['ops'],
  },
  rejoin_group_oldest_unacked_age_seconds: {
    type: 'gauge',
    help: 'Age of the oldest entry that was read and not acknowledged; 0 where there is none.',
    labels: ['partition'],
    from: ['ops'],
  },
  rejoin_group_pending_entries: {
    type: 'gauge',
    help: 'Entries that were read and not acknowledged.',
    labels: ['partition'],
    from: ['ops'],
  },
  rejoin_partition_paused: {
    type: 'gauge',
    help: 'Whether an operator paused the partition: 1 or 0.',
    labels: ['partition'],
    from: ['ops'],
  },
  rejoin_parked_entries: {
    type: 'gauge',
    help: 'Events that were put aside for a later attempt.',
    labels: ['partition'],
    from: ['ops'],
  },
  rejoin_dead_letter_entries: {
    type: 'gauge',
    help: 'Dead letters that are kept.',
    labels: ['partition'],
    from: ['ops'],
  },
  rejoin_feed_bytes: {
    type: 'gauge',
    help: "Bytes of the feed's entries.",
    labels: ['partition'],
    from: ['ops'],
  },
  rejoin_replay_window_seconds: {
    type: 'gauge',
    help: 'How far back a client may resume now without a gap.',
    labels: ['partition'],
    from: ['ops'],
  },

  rejoin_tenant_events_per_second: {
    type: 'gauge',
    help: 'Events fanned out, of the 10 tenants with the most among the newest feed entries; none of a span of less than a second.',
    labels: ['tenant'],
    from: ['ops'],
  },
  rejoin_tenant_room_writes_per_second: {
    type: 'gauge',
    help: 'Room writes of these tenants: what fan-out makes of their events.',
    labels: ['tenant'],
    from: ['ops'],
  },
  rejoin_tenant_bytes_per_second: {
    type: 'gauge',
    help: 'Bytes of the JSON of these tenants’ events.',
    labels: ['tenant'],
    from: ['ops'],
  },

  rejoin_publish_duration_seconds: {
    type: 'histogram',
    help: "From the call to Redis' answer; of each append the event that waited longest.",
    labels: [],
    buckets: SECONDS,
    from: PUBLISHERS,
  },
  rejoin_publish_events_total: {
    type: 'counter',
    help: 'Events by what became of them: appended, duplicate, or failed (refused by Redis, or not answered).',
    labels: ['result'],
    from: PUBLISHERS,
  },

  rejoin_worker_entries_total: {
    type: 'counter',
    help: 'Entries handled by fan-out, by what became of them: delivered to the feed, duplicate, dead, or parked for a later attempt.',
    labels: ['result'],
    from: ['worker'],
  },
  rejoin_fanout_batch_size: {
    type: 'histogram',
    help: 'Entries of one fan-out script.',
    labels: [],
    buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500],
    from: ['worker'],
  },
  rejoin_redeliveries_total: {
    type: 'counter',
    help: 'Entries read again after a failure, or that a former owner had in hand for a while.',
    labels: [],
    from: ['worker'],
  },
  rejoin_dead_letters_total: {
    type: 'counter',
    help: 'Events that were dead-lettered, by the reason code.',
    labels: ['reason'],
    from: ['worker'],
  },
  rejoin_worker_failures_total: {
    type: 'counter',
    help: 'Times that a partition started again: failure, stale_batch, fenced (lease lost) or history_break (Redis lost data).',
    labels: ['kind'],
    from: ['worker'],
  },
  rejoin_partition_owner_info: {
    type: 'gauge',
    help: '1 for each partition whose lease this worker holds.',
    labels: ['partition', 'worker'],
    from: ['worker'],
  },

  rejoin_gateway_connections: {
    type: 'gauge',
    help: 'Connected sockets.',
    labels: [],
    from: ['gateway'],
  },
  rejoin_gateway_replaying_connections: {
    type: 'gauge',
    help: 'Connected sockets whose replay is under way or waits for its turn.',
    labels: [],
    from: ['gateway'],
  },
  rejoin_gateway_buffered_bytes: {
    type: 'gauge',
    help: 'Bytes that wait in this process for clients to read them.',
    labels: [],
    from: ['gateway'],
  },
  rejoin_gateway_deliveries_total: {
    type: 'counter',
    help: 'Events by what became of them for one connection: live, replayed, filtered (not wanted by the client), or missed (the connection was closing; a replay brings it).',
    labels: ['result'],
    from: ['gateway'],
  },
  rejoin_delivery_latency_seconds: {
    type: 'histogram',
    help: 'From the append to the event stream (time of the entry ID) until written to its sockets, live; of what is read at one time the longest.',
    labels: [],
    buckets: SECONDS,
    from: ['gateway'],
  },
  rejoin_resume_total: {
    type: 'counter',
    help: 'Clients that came back with a cursor: complete, gap (something could not be replayed), failed, or gone before the end.',
    labels: ['result'],
    from: ['gateway'],
  },
  rejoin_resume_gaps_total: {
    type: 'counter',
    help: 'Gaps reported to clients, by reason.',
    labels: ['reason'],
    from: ['gateway'],
  },
  rejoin_resume_duration_seconds: {
    type: 'histogram',
    help: 'From the connection until everything missed was written.',
    labels: [],
    buckets: LONG_SECONDS,
    from: ['gateway'],
  },
  rejoin_rate_limited_total: {
    type: 'counter',
    help: 'Refusals by a limit, by its name.',
    labels: ['scope'],
    from: ['gateway', 'ops'],
  },
  rejoin_tail_holes_total: {
    type: 'counter',
    help: "Times that the feed's tail may have missed entries, so that a partition's clients had to resume, by reason.",
    labels: ['reason'],
    from: ['gateway'],
  },
  rejoin_canary_duration_seconds: {
    type: 'histogram',
    help: 'Time from publishing a canary to its arrival at the tail of the gateway that published it.',
    labels: [],
    buckets: SECONDS,
    from: ['gateway'],
  },
} as const satisfies Record<string, MetricDefinition>;

export type MetricName = keyof typeof METRICS;
export type MetricNameOf<Type extends MetricDefinition['type']> = {
  [Name in MetricName]: (typeof METRICS)[Name]['type'] extends Type ? Name : never;
}[MetricName];
