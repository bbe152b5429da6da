import { keyspace } from '@rejoin/redis';
import { Redis } from 'ioredis';
import { monotonicMs } from '../clock.ts';
import { tenantOfEach } from '../tenants.ts';
import { required, servePeer } from './serve-peer.ts';

export interface AppenderCalls {
  /** Appends events to every partition in turn, with plain pipelined `XADD`; resolves when Redis has confirmed the last. */
  append(plan: {
    readonly count: number;
    readonly usersPerPartition: number;
    /** Of the whole event's JSON. */
    readonly eventBytes: number;
  }): Promise<{ readonly perSecond: number }>;
}

const PIPELINE = 500;
const partitions = Number(required('PARTITIONS'));
const keys = keyspace(required('REJOIN_PREFIX'));
const redis = new Redis(required('REDIS_URL'));
const tenants = tenantOfEach(partitions);
let appended = 0;

const calls: AppenderCalls = {
  async append({ count, usersPerPartition, eventBytes }) {
    const startedAtMs = monotonicMs();
    let under: Promise<unknown> = Promise.resolve();
    for (let done = 0; done < count; ) {
      const pipeline = redis.pipeline();
      for (const end = Math.min(count, done + PIPELINE); done < end; done++) {
        const partition = appended % partitions;
        const user = `u-${Math.floor(appended / partitions) % usersPerPartition}`;
        const event = textOf(appended++, tenants[partition] as string, user, eventBytes);
        pipeline.xadd(keys.partition(partition).events, '*', 'event', event);
      }
      // One pipeline is on its way while the next is made.
      await under;
      under = pipeline.exec();
    }
    await under;
    return { perSecond: count / ((monotonicMs() - startedAtMs) / 1_000) };
  },
};

function textOf(n: number, tenantid: string, user: string, bytes: number): string {
  const event = {
    specversion: '1.0',
    id: `e-${n}`,
    source: '/bench',
    type: 'order.updated',
    tenantid,
    audience: `user:${user}`,
  };
  const empty = JSON.stringify({ ...event, data: { padding: '' } }).length;
  return JSON.stringify({ ...event, data: { padding: 'x'.repeat(Math.max(0, bytes - empty)) } });
}

servePeer(calls);
