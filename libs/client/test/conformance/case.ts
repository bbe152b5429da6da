import { readFileSync } from 'node:fs';
import type { WireCode } from '@rejoin/protocol';
import { parse } from 'yaml';
import type { ClientOptions } from '../../src/index.ts';

/** What is done, or what is expected to come about. Which is which, and what a value means, says `conformance/README.md`. */
export type Step = { readonly in?: string } & (
  | { readonly open: string | null }
  | { readonly reload: null }
  | { readonly kill: null }
  | { readonly connect: null }
  | { readonly disconnect: null }
  | { readonly close: null }
  | { readonly publish: number; readonly hoursAgo?: number }
  | { readonly away: null }
  | { readonly back: null }
  | { readonly sever: null }
  | { readonly severWhenHanded: number }
  | { readonly hop: null }
  | { readonly trim: number }
  | { readonly losePayload: number }
  | { readonly stored: 'unreadable' | 'elsewhere' | 'ahead' | 'unknown' | 'anotherPartition' }
  | { readonly release: null }
  | { readonly token: 'fails' | 'unauthorized' | 'works' }
  | { readonly signIn: string }
  | { readonly refuse: readonly { readonly code: WireCode; readonly retryAfterMs?: number }[] }
  | { readonly closing: WireCode }
  | { readonly resend: readonly number[] }
  | { readonly stopReplayAfter: number }
  | { readonly expiring: number }
  | { readonly handed: string }
  | { readonly replays: readonly string[] }
  | { readonly gaps: readonly string[] }
  | { readonly state: string; readonly cause?: string }
  | { readonly errors: readonly string[] }
  | { readonly presented: readonly (number | null | string)[] }
  | { readonly acknowledged: number }
  | { readonly refreshes: number }
  | { readonly asked: number }
);

export interface ConformanceCase {
  readonly name: string;
  /** Options of every client of the case. */
  readonly client?: Partial<ClientOptions>;
  readonly gateway?: { readonly roomLimit?: number };
  /** Events whose handler throws, whenever it is run; or whose handler does not end until `release`. */
  readonly handlers?: { readonly throwOn?: readonly number[]; readonly holdOn?: readonly number[] };
  readonly steps: readonly (Step | string)[];
}

/** The cases of a file in `conformance/`. */
export function readCases(file: string): ConformanceCase[] {
  return parse(readFileSync(new URL(`../../conformance/${file}.yaml`, import.meta.url), 'utf8')) as ConformanceCase[];
}

/** Numbers as a case writes them: `1-3, 7`, or `none`. */
export function rangesOf(numbers: readonly number[]): string {
  const ranges: [first: number, last: number][] = [];
  for (const number of numbers) {
    const open = ranges.at(-1);
    if (open && number === open[1] + 1) open[1] = number;
    else ranges.push([number, number]);
  }
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(', ') || 'none';
}
