import { compareEntryIds } from '@rejoin/protocol';
import { backlogOf, lagOf } from './lag.ts';
import type { PartitionSample } from './partition-sample.ts';
import type { PartitionStatus } from './partition-status.ts';

export interface Health {
  readonly status: PartitionStatus;
  readonly reason: string;
}

/** A window that spans less says nothing of what moves, in milliseconds. */
const MIN_SPAN_MS = 4_000;

/**
 * Burrow's rules over a window of samples, oldest first. What waits is judged by the backlog: entries that were read and not
 * handled count as waiting, for their clients wait.
 * @param staleMs age of the last sample at which nothing more is known
 * @param nowMs by Redis' clock, as far as it is known
 * @see https://github.com/linkedin/Burrow/wiki/Consumer-Lag-Evaluation-Rules
 */
export function healthOf(window: readonly PartitionSample[], nowMs: number, staleMs: number): Health {
  const [first, last] = [window[0], window.at(-1)];
  if (!first || !last) return { status: 'UNKNOWN', reason: 'it was not looked at yet' };
  if (nowMs - last.atMs > staleMs) {
    return {
      status: 'UNKNOWN',
      reason: `it was last looked at ${seconds(nowMs - last.atMs)} ago: Redis does not answer`,
    };
  }
  if (
    window.some(
      (sample, index) => index > 0 && compareEntryIds(sample.done, (window[index - 1] as PartitionSample).done) < 0,
    )
  ) {
    return {
      status: 'REWIND',
      reason: 'the last entry handled is before one that was handled: Redis lost writes, or was restored',
    };
  }
  const backlogs = window.map(backlogOf);
  const waiting = backlogs.at(-1) as number;
  const { lag, reason } = lagOf(last);
  if (lag === null) return { status: 'UNKNOWN', reason: reason ?? 'the lag is not known' };
  if (waiting === 0 && lag.value === 0) return { status: 'OK', reason: 'nothing waits' };
  if (last.paused)
    return { status: 'STOP', reason: `paused: ${last.paused.reason}; ${Math.max(waiting, lag.value)} wait` };
  if (backlogs.includes(0))
    return { status: 'OK', reason: `nothing waited within the last ${seconds(last.atMs - first.atMs)}` };
  if (last.atMs - first.atMs < MIN_SPAN_MS) {
    return {
      status: 'UNKNOWN',
      reason: `${waiting} wait, and it has been watched for ${seconds(last.atMs - first.atMs)} only`,
    };
  }
  const owned = window.some(({ lease }) => lease !== null);
  if (!owned) return { status: 'STOP', reason: `${waiting} wait, and no worker owns the partition` };
  if (first.done === last.done) {
    return { status: 'STALL', reason: `${waiting} wait, and none was handled in ${seconds(last.atMs - first.atMs)}` };
  }
  const falls = backlogs.some((backlog, index) => index > 0 && backlog < (backlogs[index - 1] as number));
  if (!falls)
    return { status: 'WARN', reason: `${waiting} wait, and that has not fallen in ${seconds(last.atMs - first.atMs)}` };
  return { status: 'OK', reason: `${waiting} wait, and are being handled` };
}

function seconds(ms: number): string {
  return `${Math.max(0, Math.round(ms / 1_000))} s`;
}
