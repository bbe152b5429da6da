export { InvalidTaskError } from './errors.ts';
export { JobRunner, type JobRunnerOptions } from './job-runner.ts';
export { createJobs, type Jobs, type JobsOptions } from './jobs.ts';
export type {
  Rehearsed,
  Task,
  TaskKind,
  TaskOutcomes,
  TaskRequest,
  TaskSelection,
} from './task.ts';
export type { Rehearsal } from './task-run.ts';
export type { TaskPage, Tasks } from './tasks.ts';
export type { Timers } from './timers.ts';
export type { UpkeepSchedule } from './upkeep-schedule.ts';
