import { reconnectDelayMs } from '@rejoin/redis';
import { pause } from './pause.ts';
import { classifyRedisFailure } from './redis-failure.ts';

/**
 * Repeats something that may be repeated, as at a start, until Redis has answered it.
 * @param signal ends the patience: the last failure is thrown
 * @param onFailure told of each failure that is waited out
 * @throws whatever `attempt` throws that waiting does not cure
 */
export async function untilAnswered<Value>(
  attempt: () => Promise<Value>,
  signal: AbortSignal,
  onFailure: (error: unknown) => void,
): Promise<Value> {
  for (let failures = 0; ; failures += 1) {
    try {
      return await attempt();
    } catch (error) {
      const kind = classifyRedisFailure(error);
      if (signal.aborted || (kind !== 'connection' && kind !== 'passing')) throw error;
      onFailure(error);
      await pause(reconnectDelayMs(failures), signal);
    }
  }
}
