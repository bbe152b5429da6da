import { setTimeout as delay } from 'node:timers/promises';
import { refusal } from '@rejoin/protocol';
import type { Connection } from './connection.ts';
import { returnDelayMs } from './return-delay.ts';

/** Some connections are told to go, then the others wait for so long, in milliseconds. */
const TURN_MS = 20;
/** How long the last ones may take to go, in milliseconds: a client that polls hears of it with its next request. */
const FAREWELL_MS = 500;
const FAREWELL_CHECK_MS = 10;

/** The connections of a gateway, as far as draining needs them. */
export interface Draining {
  readonly size: number;
  all(): Iterable<Pick<Connection, 'close'>>;
}

interface Clock {
  /** Milliseconds, from some moment on. */
  now(): number;
  wait(ms: number): Promise<unknown>;
}

const CLOCK: Clock = { now: () => performance.now(), wait: (ms) => delay(ms) };

/**
 * Tells every connection to come back elsewhere, a few at a time, so that the other gateways do not get all of them at once: a
 * stock client comes back when its connection ends, whatever time it is told. Resolves when all were told and are gone, or were
 * told long enough ago.
 * @param spreadMs over which the farewells are spread at most, in milliseconds; the clock keeps it, however late a timer is. Few
 * connections take one turn each.
 */
export async function drain(connections: Draining, spreadMs: number, { now, wait }: Clock = CLOCK): Promise<void> {
  const all = [...connections.all()];
  const startedMs = now();
  for (let told = 0; told < all.length; ) {
    if (told > 0) await wait(TURN_MS);
    const dueShare = (now() - startedMs + TURN_MS) / spreadMs;
    const due = Math.min(all.length, Math.max(told + 1, Math.ceil(all.length * dueShare)));
    for (const connection of all.slice(told, due)) connection.close(refusal('DRAINING', returnDelayMs()));
    told = due;
  }
  const deadline = now() + FAREWELL_MS;
  while (connections.size > 0 && now() < deadline) await wait(FAREWELL_CHECK_MS);
}
