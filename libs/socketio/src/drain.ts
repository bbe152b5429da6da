import { setTimeout as delay } from 'node:timers/promises';
import { refusal } from '@rejoin/protocol';
import type { Connections } from './connections.ts';
import { returnDelayMs } from './return-delay.ts';

/** Connections that are told to go at once. */
const SLICE = 50;
/** How long the last ones may take to go, in milliseconds: a client that polls hears of it with its next request. */
const FAREWELL_MS = 500;
const FAREWELL_CHECK_MS = 10;

/**
 * Tells every connection to come back elsewhere, some at a time, so that the other gateways do not get all of them at once.
 * Resolves when all were told and are gone, or were told long enough ago.
 * @param spreadMs over which the farewells are spread, in milliseconds
 */
export async function drain(connections: Connections, spreadMs: number): Promise<void> {
  const all = [...connections.all()];
  const pauseMs = spreadMs / Math.max(1, Math.ceil(all.length / SLICE));
  for (let i = 0; i < all.length; i += SLICE) {
    if (i > 0) await delay(pauseMs);
    for (const connection of all.slice(i, i + SLICE)) connection.close(refusal('DRAINING', returnDelayMs()));
  }
  const deadline = performance.now() + FAREWELL_MS;
  while (connections.size > 0 && performance.now() < deadline) await delay(FAREWELL_CHECK_MS);
}
