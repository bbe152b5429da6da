import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { GROUP as CONSUMER_GROUP } from '@rejoin/redis';
import { type ChaosSystem, RETENTION } from './chaos-system.ts';
import type { ProcessSlot } from './process-slot.ts';
import type { Referee } from './referee.ts';

/** Most that one process may take, in MiB. */
const MAX_RSS_MB = 400;
/** Most entries of an index beyond its bound before it is cut (`docs/reference/limits.md`), and the mark of the last cut. */
const INDEX_SLACK = 101;
/** Entries of a stream's node, which are trimmed together. */
const NODE = 100;

/** Tries until `attempt` returns `null`; else returns what it said last, after `timeoutMs` or where `giveUp` says so. */
export async function untilNothing<Problem>(
  attempt: () => Promise<Problem | null> | Problem | null,
  timeoutMs: number,
  giveUp: AbortSignal,
): Promise<Problem | null> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const problem = await attempt();
    if (problem === null || performance.now() > deadline || giveUp.aborted) return problem;
    await delay(100);
  }
}

/** What of the system is not at rest: not fanned out, pending, parked, scheduled; `null` where all is. */
export async function unrest({ client, partitions }: ChaosSystem): Promise<Readonly<Record<string, unknown>> | null> {
  for (const { partition, events, done, parked, scheduled, trial } of partitions) {
    const info = (await client.call('XINFO', 'STREAM', events)) as unknown[];
    const last = info[info.indexOf('last-generated-id') + 1];
    const [handled, pending, waiting, later] = await Promise.all([
      client.get(done),
      client.xpending(events, CONSUMER_GROUP),
      client.hlen(parked),
      client.hlen(scheduled),
    ]);
    if ((last !== '0-0' && handled !== last) || Number(pending[0]) + waiting + later > 0) {
      const trials = await client.hgetall(trial);
      return { partition, last, done: handled, pending: pending[0], parked: waiting, scheduled: later, trials };
    }
  }
  return null;
}

/** Which process does not say that it is ready; `null` where all do. */
export async function unready(slots: readonly ProcessSlot[]): Promise<Readonly<Record<string, unknown>> | null> {
  for (const { name, url, pid } of slots) {
    if (pid === undefined) return { process: name, state: 'gone' };
    try {
      const response = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(5_000) });
      const text = await response.text();
      if (response.status !== 200) return { process: name, status: response.status, text };
    } catch (error) {
      return { process: name, error: String(error) };
    }
  }
  return null;
}

/** What is beyond its bound, when all is at rest and trimming has had its time; `null` where nothing is. */
export async function excess({
  client,
  keys,
  partitions,
}: ChaosSystem): Promise<Readonly<Record<string, unknown>> | null> {
  let feedBytes = 0;
  for (const { partition, events, feedBytes: bytes } of partitions) {
    const length = await client.xlen(events);
    if (length > NODE) return { partition, stream: events, length };
    feedBytes += Number((await client.get(bytes)) ?? 0);
    const rooms = await client.keys(`${keys.partition(partition).room('')}*`);
    for (const room of rooms) {
      const entries = await client.llen(room);
      if (entries > RETENTION.maxPerRoom + INDEX_SLACK) return { room, entries };
    }
  }
  return feedBytes > RETENTION.maxBytes ? { feedBytes } : null;
}

/** What each process takes now, in MiB. */
export function memoryOf(slots: readonly ProcessSlot[]): Map<string, number> {
  const memory = new Map<string, number>();
  for (const { name, pid } of slots) {
    if (pid === undefined) continue;
    try {
      const kb = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
      if (kb !== undefined) memory.set(name, Math.round(Number(kb) / 1_024));
    } catch (error) {
      // It ended meanwhile, or this is a system without /proc, where memory is not watched.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' && (error as NodeJS.ErrnoException).code !== 'ESRCH')
        throw error;
    }
  }
  return memory;
}

export function watchMemory(slots: readonly ProcessSlot[], referee: Referee): void {
  for (const [name, mb] of memoryOf(slots)) {
    if (mb > MAX_RSS_MB) referee.report('G9', `${name} takes ${mb} MiB`, { most: MAX_RSS_MB });
  }
}
