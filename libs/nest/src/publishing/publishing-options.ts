import type { PublisherOptions } from '@rejoin/publisher';
import type { ForwardedEvent } from './event-mapping.ts';
import type { PublishFailure } from './failure-reporter.ts';

/** Which events of `@nestjs/event-emitter` are published, and as what. */
export interface ForwardRule {
  /**
   * The name of events, or a pattern as EventEmitter2 has them: `order.*` for one more part, `order.**` for any number. A
   * pattern needs `EventEmitterModule.forRoot({ wildcard: true })`. An event is forwarded by each rule that it matches.
   */
  readonly on: string;
  /**
   * Makes the event to publish of what was emitted under a name: none for `null` or `undefined`, several for a list. It is
   * called during `emit`. Where it is absent, `defaultMapping` is used.
   */
  // biome-ignore lint/suspicious/noExplicitAny: only the application knows what it emits
  toEvent?(this: void, payload: any, name: string): ForwardedEvent | readonly ForwardedEvent[] | null | undefined;
}

/** How long and how many forwarded events are held that Redis has not taken yet. */
export interface ForwardingBounds {
  /** Most events; 10,000 by default. Beyond it the newest is not forwarded, and reported as `FORWARD_QUEUE_FULL`. */
  readonly maxQueuedEvents?: number;
  /** Most bytes of their JSON; 64 MiB by default, with the same outcome. */
  readonly maxQueuedBytes?: number;
  /**
   * How long after it was emitted an event is tried, in milliseconds; 5 minutes by default, and together with the publisher's
   * `waitMs` at most 9: ten minutes after it was appended, Redis would not know it again, and a repetition would double it.
   */
  readonly giveUpAfterMs?: number;
  /** How long the application waits at shutdown until everything is published, in milliseconds; 5 seconds by default. */
  readonly shutdownTimeoutMs?: number;
}

/** What the publishing module is told: the publisher's options, and what is forwarded. */
export interface PublishingModuleOptions extends PublisherOptions {
  /** The `source` of forwarded events that name none, such as `/orders`. */
  readonly source?: string;
  /** Nothing by default. */
  readonly forward?: readonly ForwardRule[];
  readonly forwarding?: ForwardingBounds;
  /**
   * Told of each forwarded event that is not published after all, besides the log and the event `rejoin.publish.failed`. What
   * it throws is logged.
   */
  onPublishFailed?(this: void, failure: PublishFailure): void | Promise<void>;
}

export type ForwardingSettings = Required<ForwardingBounds>;

/** Of the ten minutes in which a repeated event is recognised, some are left for the last attempt itself. */
const MAX_RETRY_MS = 9 * 60_000;

/** @throws RangeError */
export function forwardingSettings(options: PublishingModuleOptions): ForwardingSettings {
  const { forwarding = {}, whenUnavailable = 'fail' } = options;
  const settings = {
    maxQueuedEvents: positive('maxQueuedEvents', forwarding.maxQueuedEvents ?? 10_000),
    maxQueuedBytes: positive('maxQueuedBytes', forwarding.maxQueuedBytes ?? 64 * 1024 * 1024),
    giveUpAfterMs: positive('giveUpAfterMs', forwarding.giveUpAfterMs ?? 5 * 60_000),
    shutdownTimeoutMs: positive('shutdownTimeoutMs', forwarding.shutdownTimeoutMs ?? 5_000),
  };
  const waitMs = whenUnavailable === 'fail' ? 0 : whenUnavailable.waitMs;
  if (settings.giveUpAfterMs + waitMs > MAX_RETRY_MS) {
    throw new RangeError(
      `giveUpAfterMs and waitMs must together be at most ${MAX_RETRY_MS}, or events could be doubled`,
    );
  }
  return settings;
}

function positive(name: string, value: number): number {
  if (!(value > 0)) throw new RangeError(`${name} must be greater than 0, not ${value}`);
  return value;
}
