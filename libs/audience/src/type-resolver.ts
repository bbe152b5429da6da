import { setMaxListeners } from 'node:events';
import { type AudienceToken, type DomainEvent, parseAudience } from '@rejoin/protocol';
import type { AudienceRefusedError } from './errors.ts';
import { type AudienceFailure, failure, transientFailure } from './resolution.ts';

/**
 * What a resolver may answer: audience tokens as texts (`user:u-1`, `group:team`), one text with commas between them, or
 * nothing, which leaves the event to the rules.
 */
export type ResolvedAudience = string | readonly string[] | null | undefined;

/** Code that says who shall see the events of a type, where they do not say it themselves. */
export interface TypeResolver {
  /** A type, or the beginning of one followed by `*`. The first resolver that matches is asked. */
  readonly type: string;
  /** Names it in failures; its type by default. */
  readonly name?: string;
  /** Milliseconds after which the attempt has failed; 2,000 by default. */
  readonly deadlineMs?: number;
  /**
   * What it throws is a transient failure, except for an {@link AudienceRefusedError}.
   * @param signal aborted at the deadline, and when the answer is not wanted any more; pass it on to what you wait for
   */
  resolve(event: DomainEvent, signal: AbortSignal): ResolvedAudience | Promise<ResolvedAudience>;
}

export type ResolverAnswer = readonly AudienceToken[] | null | AudienceFailure;

const DEFAULT_DEADLINE_MS = 2_000;
/** Attempts of one resolver that are under way at once; the others wait, and their deadlines have not begun. */
const CONCURRENT_ATTEMPTS = 32;

/** A resolver as it is asked: by a deadline, a few at a time. */
export class AskedResolver {
  readonly type: string;
  readonly name: string;
  readonly #resolver: TypeResolver;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(resolver: TypeResolver) {
    this.#resolver = resolver;
    this.type = resolver.type;
    this.name = resolver.name ?? resolver.type;
  }

  /**
   * Never throws or rejects, and settles by the deadline whether or not the resolver heeds its signal. Answers at once where
   * the resolver does.
   * @param signal gives the attempt up
   */
  ask(event: DomainEvent, signal: AbortSignal = NEVER): ResolverAnswer | Promise<ResolverAnswer> {
    return this.#running < CONCURRENT_ATTEMPTS ? this.#attempt(event, signal) : this.#askInTurn(event, signal);
  }

  async #askInTurn(event: DomainEvent, signal: AbortSignal): Promise<ResolverAnswer> {
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
    const answer = this.#attempt(event, signal);
    // An attempt that answered at once leaves its place to the next.
    if (!isPromise(answer)) this.#waiting.shift()?.();
    return answer;
  }

  #attempt(event: DomainEvent, signal: AbortSignal): ResolverAnswer | Promise<ResolverAnswer> {
    if (signal.aborted) return this.#cancelled();
    const attempt = new AbortController();
    let answer: ResolvedAudience | Promise<ResolvedAudience>;
    try {
      answer = this.#resolver.resolve(event, attempt.signal);
    } catch (error) {
      return this.#failure(error);
    }
    return isPromise(answer) ? this.#inTime(answer, attempt, signal) : this.#understand(answer);
  }

  async #inTime(
    answer: Promise<ResolvedAudience>,
    attempt: AbortController,
    signal: AbortSignal,
  ): Promise<ResolverAnswer> {
    const { deadlineMs = DEFAULT_DEADLINE_MS } = this.#resolver;
    let timer: NodeJS.Timeout | undefined;
    let onAbort = (): void => undefined;
    this.#running += 1;
    try {
      return await new Promise((resolve) => {
        const late = `resolver ${this.name} did not answer in ${deadlineMs} ms`;
        timer = setTimeout(
          () => resolve(transientFailure('RESOLVER_TIMEOUT', late, { resolver: this.name })),
          deadlineMs,
        );
        onAbort = () => resolve(this.#cancelled());
        // A whole page of events may wait for one signal.
        setMaxListeners(0, signal);
        signal.addEventListener('abort', onAbort);
        answer.then(
          (value) => resolve(this.#understand(value)),
          (error: unknown) => resolve(this.#failure(error)),
        );
      });
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      attempt.abort();
      this.#running -= 1;
      this.#waiting.shift()?.();
    }
  }

  #understand(answer: ResolvedAudience): ResolverAnswer {
    if (answer === null || answer === undefined) return null;
    if (typeof answer !== 'string' && !isTextList(answer)) {
      return failure('AUDIENCE_INVALID', `the audience of resolver ${this.name} is neither text nor a list of texts`);
    }
    const parsed = parseAudience(answer);
    return parsed.ok
      ? parsed.tokens
      : failure('AUDIENCE_INVALID', `the audience of resolver ${this.name} ${parsed.problem}`);
  }

  #failure(error: unknown): AudienceFailure {
    if (isRefusal(error)) return failure('RESOLVER_REFUSED', `resolver ${this.name}: ${error.message}`);
    const message = `resolver ${this.name} failed: ${error instanceof Error ? error.message : String(error)}`;
    return transientFailure('RESOLVER_FAILED', message, { resolver: this.name, cause: error });
  }

  #cancelled(): AudienceFailure {
    return transientFailure('RESOLUTION_CANCELLED', `resolver ${this.name} was not waited for`);
  }
}

/** By its code, for a module of resolvers may have another copy of the class, or none. */
function isRefusal(error: unknown): error is AudienceRefusedError {
  return error instanceof Error && 'code' in error && error.code === 'AUDIENCE_REFUSED';
}

/** The signal of a caller who waits for as long as it takes. */
const NEVER = new AbortController().signal;

/** Resolvers may be written without types. */
function isTextList(answer: unknown): answer is readonly string[] {
  return Array.isArray(answer) && answer.every((text) => typeof text === 'string');
}

export function isPromise<Value>(value: Value | Promise<Value>): value is Promise<Value> {
  return typeof (value as { then?: unknown } | null)?.then === 'function';
}
