import type { MemberClient } from './member-client.ts';

/** What just happened to a client, in a figure and a few words. */
export interface Moment {
  readonly kind: 'away' | 'fresh' | 'complete' | 'gap';
  /** Events missed so far, or caught up on; empty where neither makes sense. */
  readonly figure: string;
  readonly title: string;
  readonly detail: string;
}

export type Observed = Pick<MemberClient, 'state' | 'cut' | 'catchUp' | 'gateway' | 'missing'>;

export const STATES = {
  idle: 'Cut off',
  connecting: 'Connecting',
  replaying: 'Catching up',
  live: 'Live',
  waiting: 'Reconnecting',
  stopped: 'Refused',
  closed: 'Closed',
} as const;

/** @param nameOf names a gateway */
export function momentOf({ state, cut, catchUp, gateway, missing }: Observed, nameOf: (url: string) => string): Moment {
  if (state !== 'live') {
    if (catchUp === null) return { kind: 'away', figure: '', title: 'Connecting', detail: `to ${nameOf(gateway)}` };
    const detail = cut ? 'The shop goes on without it.' : `Its gateway is gone; trying ${nameOf(gateway)}.`;
    return { kind: 'away', figure: String(missing), title: `${events(missing)} missed so far`, detail };
  }
  if (missing > 0) {
    const detail = 'They wait for a worker, and come in their order.';
    return { kind: 'away', figure: String(missing), title: `${events(missing)} still on the way`, detail };
  }
  if (catchUp === null || catchUp.awayMs === null) {
    return { kind: 'fresh', figure: '', title: 'Live', detail: 'Every mark below is an event it received.' };
  }
  const { replay, awayMs, tookMs, left } = catchUp;
  const figure = String(replay.count);
  const where = left === null ? 'back' : `back on ${nameOf(gateway)}`;
  if (replay.status === 'gap') {
    const detail = `Older ones are gone (${replay.reason}), and it knows: a real app would reload now.`;
    return { kind: 'gap', figure, title: `missed ${events(replay.count)} caught up on`, detail };
  }
  const detail = `Away for ${seconds(awayMs)}, ${where}, in order, in ${Math.max(1, Math.round(tookMs))} ms.`;
  const title = replay.count === 0 ? 'events missed' : `missed ${events(replay.count)} caught up on`;
  return { kind: 'complete', figure, title, detail };
}

export function events(count: number): string {
  return count === 1 ? 'event' : 'events';
}

export function seconds(ms: number): string {
  return ms < 10_000 ? `${(ms / 1_000).toFixed(1)} s` : `${Math.round(ms / 1_000)} s`;
}
