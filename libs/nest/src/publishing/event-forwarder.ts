import type { EventEmitter2 } from '@nestjs/event-emitter';
import type { Publisher } from '@rejoin/publisher';
import { EventMappingError, InvalidForwardingError } from './errors.ts';
import { defaultMapping, eventOf, type ForwardableEvent, type ForwardedEvent, forwardable } from './event-mapping.ts';
import { FailureReporter, PUBLISH_FAILED } from './failure-reporter.ts';
import { ForwardingQueue } from './forwarding-queue.ts';
import {
  type ForwardingSettings,
  type ForwardRule,
  forwardingSettings,
  type PublishingModuleOptions,
} from './publishing-options.ts';

/** What EventEmitter2 sets on itself besides what its types say. */
interface EmitterState {
  readonly wildcard?: boolean;
  readonly delimiter?: string;
  /** Of the listener that is called. */
  readonly event: string | symbol | readonly (string | symbol)[];
}

/**
 * Publishes what the application emits. `emit` is neither delayed nor failed by it: an event is mapped, checked and copied
 * during `emit`, and published afterwards, those of one tenant in the order in which they were emitted. What cannot be
 * published is reported, each event once.
 */
export class EventForwarder {
  readonly #source: string | undefined;
  readonly #settings: ForwardingSettings;
  readonly #reporter: FailureReporter;
  readonly #queue: ForwardingQueue;
  #flushUntil = Number.POSITIVE_INFINITY;

  /**
   * Listens from now on.
   * @throws InvalidForwardingError, RangeError
   */
  constructor(emitter: EventEmitter2, publisher: Pick<Publisher, 'publishBatch'>, options: PublishingModuleOptions) {
    requireForwardable(options, emitter);
    this.#source = options.source;
    this.#settings = forwardingSettings(options);
    this.#reporter = new FailureReporter(emitter, options.onPublishFailed);
    this.#queue = new ForwardingQueue(publisher, this.#settings, (event, error) =>
      this.#reporter.report({ name: event.name, error, event: eventOf(event) }),
    );
    for (const rule of options.forward ?? []) this.#listen(rule, emitter);
  }

  /**
   * Resolves when everything is settled. Where the time for that is over, which begins with the first call, what is left is
   * given up, and whatever is emitted afterwards: reported as `FORWARDING_STOPPED`.
   */
  async flush(): Promise<void> {
    const now = performance.now();
    this.#flushUntil = Math.min(this.#flushUntil, now + this.#settings.shutdownTimeoutMs);
    const flushed = await this.#queue.flush(Math.max(0, this.#flushUntil - now));
    if (!flushed) this.#queue.stop();
  }

  /** Flushes, and takes nothing more. */
  async stop(): Promise<void> {
    await this.flush();
    this.#queue.stop();
  }

  #listen(rule: ForwardRule, emitter: EventEmitter2): void {
    const forward = (name: string, payload: unknown): void => this.#forward(rule, name, payload);
    emitter.on(rule.on, function (this: EmitterState, payload: unknown) {
      const { event, delimiter = '.' } = this;
      const name = typeof event === 'object' ? event.map(String).join(delimiter) : String(event);
      if (name !== PUBLISH_FAILED) forward(name, payload);
    });
  }

  /** Never throws: the caller of `emit` has nothing to do with it. */
  #forward(rule: ForwardRule, name: string, payload: unknown): void {
    const failed = (message: string, cause?: unknown): void => {
      const error = new EventMappingError(`toEvent of "${rule.on}" ${message}`, { cause });
      this.#reporter.report({ name, error, payload });
    };
    try {
      const mapped: unknown = rule.toEvent ? rule.toEvent(payload, name) : defaultMapping(payload);
      if (mapped instanceof Promise) {
        // Waiting for it would let later events overtake this one.
        mapped.then(
          () => failed('must not be asynchronous'),
          (cause: unknown) => failed('must not be asynchronous, and rejected', cause),
        );
        return;
      }
      for (const event of listOf(mapped)) this.#accept(event, name, payload);
    } catch (cause) {
      failed(`threw: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
    }
  }

  #accept(event: ForwardedEvent, name: string, payload: unknown): void {
    let checked: ForwardableEvent | undefined;
    try {
      checked = forwardable(event, name, this.#source);
      this.#queue.accept(checked, name);
    } catch (error) {
      const what = checked === undefined ? { payload } : { event: eventOf(checked) };
      this.#reporter.report({ name, error: error as Error, ...what });
    }
  }
}

function listOf(mapped: unknown): readonly ForwardedEvent[] {
  if (mapped === null || mapped === undefined) return [];
  return (Array.isArray(mapped) ? mapped : [mapped]) as readonly ForwardedEvent[];
}

/**
 * Finds out whether what is to be forwarded can be, before anything is connected to.
 * @throws InvalidForwardingError, RangeError
 */
export function requireForwardable(options: PublishingModuleOptions, emitter: EventEmitter2 | undefined): void {
  const { forward: rules = [], source } = options;
  if (rules.length === 0) return;
  forwardingSettings(options);
  if (!emitter) {
    throw new InvalidForwardingError('forwarding events needs EventEmitterModule.forRoot() among the imports');
  }
  const { wildcard = false, delimiter = '.' } = emitter as unknown as EmitterState;
  for (const { on, toEvent } of rules) {
    const isPattern = on.split(delimiter).some((part) => part === '*' || part === '**');
    if (isPattern && !wildcard) {
      throw new InvalidForwardingError(
        `forwarding "${on}" needs an event emitter with patterns: EventEmitterModule.forRoot({ wildcard: true })`,
      );
    }
    if (toEvent === undefined && source === undefined) {
      throw new InvalidForwardingError(
        `forwarding "${on}" without toEvent needs the option "source", such as "/orders"`,
      );
    }
  }
}
