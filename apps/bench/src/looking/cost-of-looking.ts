import { setTimeout as delay } from 'node:timers/promises';
import type { OpsProcess } from '../ops-process.ts';
import { type Interval, meanWithInterval } from '../statistics.ts';
import type { System } from '../system.ts';
import { type CpuMs, cpuBetween, readCpu, totalOf } from './cpu-meter.ts';
import type { LookingOperator } from './looking-operator.ts';

export interface CostSize {
  /** Events of one round. */
  readonly costEvents: number;
  /** Blocks of four rounds. */
  readonly costBlocks: number;
  /** Seconds of each spell for which it is watched what looking spends where nothing is published. */
  readonly costSeconds: number;
  /** Blocks of four such spells, up to two. */
  readonly costSpells: number;
}

export interface CostOptions {
  readonly system: System;
  readonly ops: OpsProcess;
  readonly operator: LookingOperator;
  readonly append: (count: number) => Promise<unknown>;
  readonly size: CostSize;
  note(text: string): void;
}

export interface CostRound {
  readonly looking: boolean;
  readonly perSecond: number;
  /** For a thousand events. */
  readonly cpu: CpuMs;
  /** In a second. */
  readonly spent: CpuMs;
}

export interface CostOfLooking {
  readonly rounds: readonly CostRound[];
  /** Throughput while somebody looks, as a share of what it is else. */
  readonly throughput: Interval;
  /** CPU for each event while somebody looks, as a share of what it is else. */
  readonly cpuPerEvent: Interval;
  /** CPU in each second of looking, beyond what is spent anyway. */
  readonly looking: CpuMs;
  /** CPU in each second at full load, where nobody looks. */
  readonly path: CpuMs;
}

/** Alone and looking, in an order in which neither gains where the machine drifts; each begins every other block. */
const BLOCKS = [
  [false, true, true, false],
  [true, false, false, true],
] as const;

/**
 * What looking costs the delivery path, in two ways: rounds at full load with and without somebody who looks, compared within
 * blocks, and what looking spends by itself, which is little noisy, next to what the path spends at full load.
 */
export async function costOfLooking(options: CostOptions): Promise<CostOfLooking> {
  const { size, note } = options;
  await roundOf(options, false);
  const rounds: CostRound[] = [];
  const throughputs: number[] = [];
  const cpus: number[] = [];
  for (let n = 0; n < size.costBlocks; n++) {
    const block: CostRound[] = [];
    for (const looking of BLOCKS[n % BLOCKS.length] as readonly boolean[]) block.push(await roundOf(options, looking));
    rounds.push(...block);
    throughputs.push(ratioOf(block, ({ perSecond }) => perSecond));
    cpus.push(ratioOf(block, ({ cpu }) => totalOf(cpu)));
    note(
      `${block.map(({ looking, perSecond }) => `${Math.round(perSecond)}/s ${looking ? 'looking' : 'alone'}`).join(', ')}: ` +
        `throughput × ${throughputs.at(-1)?.toFixed(3)}, CPU per event × ${cpus.at(-1)?.toFixed(3)}`,
    );
  }
  const looking = await spentByLooking(options, rounds);
  note(`looking spends ${inWords(looking)} in a second`);
  const path = meanOf(rounds.filter((round) => !round.looking).map(({ spent }) => spent));
  note(`the path spends ${inWords(path)} in a second`);
  return { rounds, throughput: meanWithInterval(throughputs), cpuPerEvent: meanWithInterval(cpus), looking, path };
}

/** From the first append to the last fan-out. */
async function roundOf({ system, ops, operator, append, size }: CostOptions, looking: boolean): Promise<CostRound> {
  const before = await readCpu(system, ops);
  const startedAtMs = performance.now();
  if (looking) operator.look();
  await append(size.costEvents);
  await system.settled();
  const seconds = (performance.now() - startedAtMs) / 1_000;
  const after = await readCpu(system, ops);
  if (looking) await operator.rest();
  return {
    looking,
    perSecond: size.costEvents / seconds,
    cpu: cpuBetween(before, after, size.costEvents / 1_000),
    spent: cpuBetween(before, after, seconds),
  };
}

/**
 * What looking spends in a second, beyond what is spent anyway. Of `ops` it is taken at full load; of the others, whose own work is so
 * much more that it would be lost in it, where nothing is published.
 */
async function spentByLooking(options: CostOptions, rounds: readonly CostRound[]): Promise<CpuMs> {
  const { operator, size } = options;
  const spells: { looking: boolean; spent: CpuMs }[] = [];
  for (const looking of BLOCKS.slice(0, size.costSpells).flat()) {
    if (looking) operator.look();
    spells.push({ looking, spent: await quiet(options) });
    if (looking) await operator.rest();
  }
  const more = (of: readonly { looking: boolean; spent: CpuMs }[]): CpuMs => {
    const [busy, idle] = [true, false].map((looking) =>
      meanOf(of.filter((each) => each.looking === looking).map(({ spent }) => spent)),
    );
    return cpuBetween(idle as CpuMs, busy as CpuMs, 1);
  };
  return { ...more(spells), ops: more(rounds).ops };
}

/** What is spent in a second where nothing is published: the leases alone are news, and in every partition. */
async function quiet({ system, ops, size }: CostOptions): Promise<CpuMs> {
  const before = await readCpu(system, ops);
  const startedAtMs = performance.now();
  await delay(size.costSeconds * 1_000);
  return cpuBetween(before, await readCpu(system, ops), (performance.now() - startedAtMs) / 1_000);
}

/** Of a block, the rounds with somebody who looks next to those without. */
function ratioOf(block: readonly CostRound[], figure: (round: CostRound) => number): number {
  const sum = (looking: boolean): number =>
    block.filter((round) => round.looking === looking).reduce((total, round) => total + figure(round), 0);
  return sum(true) / sum(false);
}

function meanOf(readings: readonly CpuMs[]): CpuMs {
  const mean = (who: keyof CpuMs): number => readings.reduce((sum, cpu) => sum + cpu[who], 0) / readings.length;
  return { redis: mean('redis'), worker: mean('worker'), gateways: mean('gateways'), ops: mean('ops') };
}

function inWords(cpu: CpuMs): string {
  const parts = Object.entries(cpu).map(([who, ms]) => `${who} ${(ms as number).toFixed(1)}`);
  return `${totalOf(cpu).toFixed(1)} ms of CPU (${parts.join(', ')})`;
}
