import { Logger } from '@nestjs/common';
import type { EventEmitter2 } from '@nestjs/event-emitter';
import type { DomainEvent } from '@rejoin/protocol';

/** The name under which each {@link PublishFailure} is emitted; it is never forwarded itself. */
export const PUBLISH_FAILED = 'rejoin.publish.failed';

/** A forwarded event that was not published, or that nobody knows of whether it was. */
export interface PublishFailure {
  /** Under which the application emitted it. */
  readonly name: string;
  /** Why; its `code` is stable. */
  readonly error: Error;
  /** The event; publishing it again later is safe for ten minutes. Absent where none could be made. */
  readonly event?: DomainEvent;
  /** What was emitted, where no event could be made of it. */
  readonly payload?: unknown;
}

export type FailureHook = (failure: PublishFailure) => void | Promise<void>;

/** Least time between two lines of the log about failures of one code, in milliseconds. */
const LOG_INTERVAL_MS = 1_000;

/** Tells of failures in three ways, and never throws: the log, the application's own hook, and an emitted event. */
export class FailureReporter {
  readonly #logger = new Logger('EventForwarder');
  readonly #emitter: EventEmitter2;
  readonly #hook: FailureHook | undefined;
  readonly #logged = new Map<string, { at: number; unsaid: number }>();

  constructor(emitter: EventEmitter2, hook: FailureHook | undefined) {
    this.#emitter = emitter;
    this.#hook = hook;
  }

  report(failure: PublishFailure): void {
    this.#log(failure);
    void this.#callHook(failure);
    try {
      this.#emitter.emit(PUBLISH_FAILED, failure);
    } catch (error) {
      this.#logger.error(`a listener of ${PUBLISH_FAILED} threw`, stackOf(error));
    }
  }

  async #callHook(failure: PublishFailure): Promise<void> {
    try {
      await this.#hook?.(failure);
    } catch (error) {
      this.#logger.error('onPublishFailed threw', stackOf(error));
    }
  }

  /** An outage fails thousands of events for one reason: a line a second says it. */
  #log({ name, error, event }: PublishFailure): void {
    const code = (error as Partial<{ code: string }>).code ?? error.name;
    const now = performance.now();
    const last = this.#logged.get(code);
    if (last && now - last.at < LOG_INTERVAL_MS) {
      last.unsaid += 1;
      return;
    }
    this.#logged.set(code, { at: now, unsaid: 0 });
    const which = event === undefined ? '' : ` (${event.source} ${event.id} of tenant ${event.tenantid})`;
    const more = last && last.unsaid > 0 ? `; ${last.unsaid} more with ${code} were not logged` : '';
    this.#logger.error(
      `"${name}"${which} is not published: ${code}: ${error.message}${more}`,
      stackOf(error.cause ?? error),
    );
  }
}

function stackOf(error: unknown): string | undefined {
  return error instanceof Error ? error.stack : String(error);
}
