import { describe, expect, test } from '@jest/globals';
import type { ReplayReport } from '@rejoin/protocol';
import { momentOf, type Observed } from '../src/page/moment.ts';

const nameOf = (url: string) => `gateway ${url}`;
const observed: Observed = { state: 'live', cut: false, catchUp: null, gateway: 'B', missing: 0 };
const caughtUp = (replay: ReplayReport, left: string | null = null) => ({ replay, awayMs: 7_040, tookMs: 12.4, left });
const moment = (change: Partial<Observed>) => momentOf({ ...observed, ...change }, nameOf);

describe('what the page says of a client', () => {
  test('names what is missed while it is away, and why it is away', () => {
    expect(moment({ state: 'connecting' })).toMatchObject({ kind: 'away', figure: '', title: 'Connecting' });
    const catchUp = caughtUp({ status: 'none', count: 0 });
    expect(moment({ state: 'idle', cut: true, catchUp, missing: 1 })).toMatchObject({
      kind: 'away',
      figure: '1',
      title: 'event missed so far',
      detail: 'The shop goes on without it.',
    });
    expect(moment({ state: 'waiting', catchUp, missing: 2 })).toMatchObject({
      title: 'events missed so far',
      detail: 'Its gateway is gone; trying gateway B.',
    });
  });

  test('says that events are late where a connected client waits for them', () => {
    expect(moment({ missing: 3 })).toMatchObject({ kind: 'away', figure: '3', title: 'events still on the way' });
  });

  test('names how it caught up, and where', () => {
    expect(moment({})).toMatchObject({ kind: 'fresh', figure: '' });
    expect(moment({ catchUp: caughtUp({ status: 'complete', count: 3 }) })).toEqual({
      kind: 'complete',
      figure: '3',
      title: 'missed events caught up on',
      detail: 'Away for 7.0 s, back, in order, in 12 ms.',
    });
    expect(moment({ catchUp: caughtUp({ status: 'complete', count: 1 }, 'A') })).toMatchObject({
      title: 'missed event caught up on',
      detail: 'Away for 7.0 s, back on gateway B, in order, in 12 ms.',
    });
  });

  test('does not call a gap a success', () => {
    const gap = moment({ catchUp: caughtUp({ status: 'gap', count: 1, reason: 'window', from: null, oldest: 'c' }) });
    expect(gap).toMatchObject({ kind: 'gap', figure: '1' });
    expect(gap.detail).toContain('window');
  });
});
