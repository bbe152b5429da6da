/** A process of the system, as the supervisor of `npm start` sees it. */
export interface ProgramStatus {
  /** `gateway-<port>` or `worker-<number>`. */
  readonly name: string;
  readonly running: boolean;
  readonly pid: number | null;
  readonly restarts: number;
}

/** The IPC channel to the process that started this one. */
type Channel = Pick<NodeJS.Process, 'send' | 'on'>;

/**
 * The supervisor of `npm start`, asked over the channel that it gave this process. Started by anything else, there is none to
 * answer, and so nothing that could be killed.
 */
export class Supervisor {
  /** `null` until it answers. */
  programs: readonly ProgramStatus[] | null = null;
  readonly #channel: Channel;

  constructor(channel: Channel, onPrograms: (programs: readonly ProgramStatus[]) => void) {
    this.#channel = channel;
    channel.on('message', (message: unknown) => {
      const { type, programs } = message as { readonly type?: unknown; readonly programs?: readonly ProgramStatus[] };
      if (type !== 'programs' || !programs) return;
      this.programs = programs;
      onPrograms(programs);
    });
    channel.send?.({ type: 'programs:watch' });
  }

  /** SIGKILL to a process, which is started again a little later; false where there is none of that name, or it is down. */
  kill(name: unknown): boolean {
    const program = this.programs?.find((each) => each.name === name && each.running);
    if (!program) return false;
    this.#channel.send?.({ type: 'program:kill', name: program.name });
    return true;
  }
}
