import type { OpsProcess } from '../ops-process.ts';
import { cpuMsOf } from '../process-cpu.ts';
import type { System } from '../system.ts';

/** Milliseconds of CPU, by who spent them. */
export interface CpuMs {
  readonly redis: number;
  readonly worker: number;
  readonly gateways: number;
  readonly ops: number;
}

/** What the processes of an installation have spent; clients and whoever publishes are not among them. */
export async function readCpu({ redis, gatewayPids, pids }: System, ops: OpsProcess): Promise<CpuMs> {
  const workers = pids.filter((pid) => pid !== redis.pid && !gatewayPids.includes(pid));
  const [ofRedis, worker, gateways, ofOps] = await Promise.all(
    [[redis.pid], workers, gatewayPids, [ops.pid]].map(async (group) =>
      (await Promise.all(group.map(cpuMsOf))).reduce((sum, ms) => sum + ms, 0),
    ),
  );
  return { redis: ofRedis as number, worker: worker as number, gateways: gateways as number, ops: ofOps as number };
}

/** What was spent from one reading to the next, in each `per` of them. */
export function cpuBetween(before: CpuMs, after: CpuMs, per: number): CpuMs {
  return {
    redis: (after.redis - before.redis) / per,
    worker: (after.worker - before.worker) / per,
    gateways: (after.gateways - before.gateways) / per,
    ops: (after.ops - before.ops) / per,
  };
}

export function totalOf({ redis, worker, gateways, ops }: CpuMs): number {
  return redis + worker + gateways + ops;
}
