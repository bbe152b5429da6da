import type { Program, ProgramStatus } from './program.ts';

/** How long a program stays away that was killed by {@link ProgramControl}: long enough to watch what it does to others. */
const DOWN_MS = 3_000;

/** What may be killed: those of which there are several, and which are made to be killed. */
const KILLABLE = /^(gateway|worker)-/;

type Listener = (message: { readonly type: 'programs'; readonly programs: readonly ProgramStatus[] }) => void;

/**
 * Lets the demo show the system's processes, and kill some of them. It is spoken over the IPC channel between this process and
 * the demo's, so nothing listens for it, and it is there under `npm start` alone.
 *
 *     { type: 'programs:watch' }        answered with { type: 'programs', programs }, now and whenever one changes
 *     { type: 'program:kill', name }    SIGKILL; three seconds later it is started again
 */
export class ProgramControl {
  readonly #programs: readonly Program[];
  readonly #say: Listener;
  #watched = false;

  /** @param programs of which more may come */
  constructor(programs: readonly Program[], say: Listener) {
    this.#programs = programs;
    this.#say = say;
  }

  receive(message: unknown): void {
    const { type, name } = (typeof message === 'object' && message !== null ? message : {}) as {
      readonly type?: unknown;
      readonly name?: unknown;
    };
    if (type === 'programs:watch') {
      this.#watched = true;
      this.changed();
    } else if (type === 'program:kill') {
      const program = this.#programs.find((each) => each.name === name && KILLABLE.test(each.name));
      program?.crash(DOWN_MS);
    }
  }

  /** A program's status may be another. */
  changed(): void {
    if (!this.#watched) return;
    const programs = this.#programs.filter(({ name }) => KILLABLE.test(name)).map(({ status }) => status);
    this.#say({ type: 'programs', programs });
  }
}
