import type { AudienceResolution, MembershipDirectory } from '@rejoin/audience';
import type { DomainEvent } from '@rejoin/protocol';
import { type DeadLetterCode, pause } from '@rejoin/streams';
import type { ResolverBreakers } from './resolver-breakers.ts';

/** Who shall see an event, or why that cannot be said: for ever, or for now. */
export type Resolved =
  | { readonly kind: 'rooms'; readonly rooms: readonly string[] }
  | { readonly kind: 'never'; readonly code: DeadLetterCode; readonly message: string }
  | { readonly kind: 'later'; readonly code: DeadLetterCode; readonly message: string }
  /** Nobody was asked, since the resolver is down. */
  | { readonly kind: 'resting'; readonly code: DeadLetterCode; readonly message: string };

/** What is asked: the audience rules, and resolvers in code. What it throws is a failure for now. */
export interface EventResolver {
  resolve(event: DomainEvent, signal: AbortSignal): AudienceResolution | Promise<AudienceResolution>;
  /** The same, which asks a directory for the members of groups. */
  withGroups?(groups: MembershipDirectory): EventResolver;
}

/** How long an event is tried again where it stands, in milliseconds, before it is parked: its partition waits for it. */
const IN_PLACE_MS = 1_000;
const FIRST_DELAY_MS = 25;

/**
 * Asks for an event's audience, and asks again for a short time where that fails for now. The order is kept meanwhile, and
 * the partition waits; a resolver that is down is not waited for.
 */
export class RetryingResolver {
  readonly #resolver: EventResolver;
  readonly #breakers: ResolverBreakers;
  readonly #inPlaceMs: number;

  constructor(resolver: EventResolver, breakers: ResolverBreakers, inPlaceMs = IN_PLACE_MS) {
    this.#resolver = resolver;
    this.#breakers = breakers;
    this.#inPlaceMs = inPlaceMs;
  }

  /**
   * Answers at once where no resolver has to be waited for, since a promise for each event would cost more than its rules.
   * What a resolver throws is an answer; anything else that is thrown here is a defect.
   * @param signal gives up waiting; the answer is then worth nothing
   */
  resolve(event: DomainEvent, signal: AbortSignal): Resolved | Promise<Resolved> {
    // An event that names its audience itself needs no resolver.
    const resting = event.audience === undefined ? this.#breakers.restingFor(event.type) : null;
    if (resting !== null) return { kind: 'resting', code: 'RESOLVER_FAILED', message: `resolver ${resting} is down` };
    const resolved = this.#ask(event, signal);
    if (!isPromise(resolved) && resolved.kind !== 'later') return resolved;
    return this.#insist(event, resolved, signal);
  }

  async #insist(event: DomainEvent, first: Resolved | Promise<Resolved>, signal: AbortSignal): Promise<Resolved> {
    const untilMs = performance.now() + this.#inPlaceMs;
    let resolved = await first;
    for (let delayMs = FIRST_DELAY_MS; resolved.kind === 'later' && !signal.aborted; delayMs *= 2) {
      if (performance.now() + delayMs > untilMs) break;
      await pause(delayMs, signal);
      if (this.#breakers.restingFor(event.type) !== null) break;
      resolved = await this.#ask(event, signal);
    }
    return resolved;
  }

  #ask(event: DomainEvent, signal: AbortSignal): Resolved | Promise<Resolved> {
    let answer: AudienceResolution | Promise<AudienceResolution>;
    try {
      answer = this.#resolver.resolve(event, signal);
    } catch (error) {
      return this.#failed(event, error);
    }
    if (!isPromise(answer)) return this.#understand(event, answer);
    return answer.then(
      (resolution) => this.#understand(event, resolution),
      (error: unknown) => this.#failed(event, error),
    );
  }

  #understand(event: DomainEvent, resolution: AudienceResolution): Resolved {
    if (resolution.ok) {
      this.#breakers.succeeded(event.type);
      return { kind: 'rooms', rooms: resolution.rooms };
    }
    if (!resolution.transient) return { kind: 'never', code: resolution.code, message: resolution.message };
    const { code, message, resolver } = resolution;
    // Only a resolver is left alone when it is down; without the directory's Redis nothing works at all.
    if (resolver !== undefined) this.#breakers.failed(event.type, resolver);
    return { kind: 'later', code: code === 'RESOLUTION_CANCELLED' ? 'RESOLVER_TIMEOUT' : code, message };
  }

  /** A resolver that threw: nothing is known of the event itself. */
  #failed({ type }: DomainEvent, error: unknown): Resolved {
    this.#breakers.failed(type, type);
    return { kind: 'later', code: 'RESOLVER_FAILED', message: String(error) };
  }
}

export function isPromise<Value>(value: Value | Promise<Value>): value is Promise<Value> {
  return value instanceof Promise;
}
