import type { Keyspace } from '@rejoin/redis';
import { DeadLetterStore } from '@rejoin/streams';
import { Queues } from './queues.ts';
import { Tasks } from './tasks.ts';
import { Timers } from './timers.ts';
import { UpkeepSchedule } from './upkeep-schedule.ts';

export interface JobsOptions {
  readonly redisUrl: string;
  readonly keys: Keyspace;
  readonly partitions: number;
  /** Called for every failure of a connection. */
  onError(error: Error): void;
}

/** Asks for what workers do later, and looks at it. */
export interface Jobs {
  /** Redrives, discards and rehearsals of dead letters. */
  readonly tasks: Tasks;
  /** Timers for events that are due later. */
  readonly timers: Timers;
  readonly upkeep: UpkeepSchedule;
  close(): Promise<void>;
}

/** Connects in the background; while Redis is away, every method fails fast. */
export function createJobs({ redisUrl, keys, partitions, onError }: JobsOptions): Jobs {
  const queues = new Queues({ redisUrl, keys, onError });
  const store = new DeadLetterStore(queues.client, keys, partitions);
  return {
    tasks: new Tasks(queues.tasks, queues.client, keys, store),
    timers: new Timers(queues.timers),
    upkeep: new UpkeepSchedule(queues.upkeep, partitions),
    close: () => queues.close(),
  };
}
