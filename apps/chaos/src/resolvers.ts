/** Loaded by the workers, through `AUDIENCE_RESOLVERS`. */
interface ChaosEvent {
  readonly data?: { readonly to?: string; readonly failsUntilMs?: number };
}

export const resolvers = [
  {
    type: 'flaky.event',
    name: 'flaky',
    /** Fails for a while, so that events are parked and appended again. */
    async resolve({ data }: ChaosEvent): Promise<string> {
      if (Date.now() < (data?.failsUntilMs ?? 0)) throw new Error('the directory is away');
      return data?.to ?? '';
    },
  },
  {
    type: 'fatal.event',
    name: 'fatal',
    /** What a defect may do: the process is gone, in the middle of a batch. */
    resolve(): string {
      process.kill(process.pid, 'SIGKILL');
      return 'tenant';
    },
  },
];
