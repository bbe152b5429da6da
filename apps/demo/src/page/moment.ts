import type { DemoClient } from './client.ts';

/** What just happened to a client, in a figure and a few words. */
export interface Moment {
  readonly kind: 'away' | 'fresh' | 'complete' | 'gap';
  /** Events missed so far, or replayed; empty where neither makes sense. */
  readonly figure: string;
  readonly title: string;
  readonly detail: string;
}

export function momentOf(client: Pick<DemoClient, 'state' | 'problem' | 'catchUp' | 'ledger'>): Moment {
  const { state, problem, catchUp, ledger } = client;
  if (state !== 'live') {
    const detail = { connecting: lost(problem), replaying: 'catching up', cut: 'cut off by you', refused: problem }[
      state
    ];
    if (ledger.cursor === undefined) return { kind: 'away', figure: '', title: 'Not connected yet', detail };
    return { kind: 'away', figure: String(ledger.awaited), title: `${events(ledger.awaited)} missed so far`, detail };
  }
  if (catchUp === null || catchUp.replay.status === 'none') {
    return { kind: 'fresh', figure: '', title: 'Live from now on', detail: 'cut it off to see what it misses' };
  }
  const { replay, recovered, tookMs } = catchUp;
  const figure = String(replay.count);
  if (replay.status === 'gap') {
    const detail = `reason: ${replay.reason}; a real client would reload now`;
    return { kind: 'gap', figure, title: `missed ${events(replay.count)} replayed, older ones are gone`, detail };
  }
  const how = recovered ? 'by its session (pid, offset)' : 'by its cursor, without a session';
  const title = replay.count === 0 ? 'events missed' : `missed ${events(replay.count)} replayed in order`;
  return { kind: 'complete', figure, title, detail: `complete in ${tookMs} ms, ${how}` };
}

function events(count: number): string {
  return count === 1 ? 'event' : 'events';
}

function lost(problem: string): string {
  return problem === '' ? 'connecting' : `${problem}; trying again`;
}
