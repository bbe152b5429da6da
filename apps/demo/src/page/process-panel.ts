import type { ProgramStatus } from '../supervisor.ts';
import { element, part, setText, stamp } from './dom.ts';
import type { Gateways } from './gateways.ts';
import type { CatchUp, MemberClient } from './member-client.ts';
import { events, seconds } from './moment.ts';
import { kill } from './service.ts';

const MAX_LINES = 6;
/** Of the events of one takeover, which were all late, one is told of. */
const QUIET_MS = 5_000;
/** So long after a worker ended, lateness is its end's. */
const TAKEOVER_MS = 10_000;

/** The system's processes on the way of an event, each with the button that kills it. */
export class ProcessPanel {
  readonly #root: HTMLElement;
  readonly #gateways: Gateways;
  readonly #clients: () => readonly MemberClient[];
  readonly #rows = new Map<string, HTMLElement>();
  readonly #kills: boolean;
  readonly #toldAt = new Map<MemberClient, number>();
  #workerGoneAt = Number.NEGATIVE_INFINITY;

  /** @param kills whether this browser may */
  constructor(root: HTMLElement, gateways: Gateways, kills: boolean, clients: () => readonly MemberClient[]) {
    this.#root = root;
    this.#gateways = gateways;
    this.#kills = kills;
    this.#clients = clients;
    part(root, 'no-control').hidden = kills;
  }

  show(programs: readonly ProgramStatus[]): void {
    for (const program of programs) {
      const row = this.#rows.get(program.name) ?? this.#addRow(program.name);
      const wasRunning = row.dataset.running;
      row.dataset.running = String(program.running);
      const pid = program.pid === null ? '' : `pid ${program.pid}`;
      const restarts = program.restarts === 0 ? '' : `, restarted ${program.restarts}×`;
      setText(part(row, 'process'), program.running ? `${pid}${restarts}` : 'killed; starting again in a moment');
      part<HTMLButtonElement>(row, 'kill').disabled = !program.running;
      if (wasRunning !== undefined && wasRunning !== row.dataset.running) {
        const name = this.#gateways.programName(program.name);
        if (!program.running && program.name.startsWith('worker')) this.#workerGoneAt = performance.now();
        this.#say(program.running ? `${name} runs again` : `${name} is gone`);
      }
    }
    this.drawClients();
  }

  /** A client came back on another gateway. */
  onCaughtUp({ name, gateway }: MemberClient, { replay, awayMs, left }: CatchUp): void {
    if (left === null || awayMs === null) return;
    const missed = `${replay.count} missed ${events(replay.count)} caught up on`;
    this.#say(`${name} is on ${this.#gateways.nameOf(gateway)} after ${seconds(awayMs)}, ${missed}`);
  }

  /** A connected client got an event late. */
  onDelayed(client: MemberClient, waitedMs: number): void {
    const now = performance.now();
    if (now - (this.#toldAt.get(client) ?? Number.NEGATIVE_INFINITY) < QUIET_MS) return;
    this.#toldAt.set(client, now);
    const why = now - this.#workerGoneAt < TAKEOVER_MS ? ': another worker took over' : '';
    this.#say(`${client.name} got an event of ${client.member.tenant} ${seconds(waitedMs)} late${why}`);
  }

  /** How many of the page's clients each gateway has. */
  drawClients(): void {
    for (const [name, row] of this.#rows) {
      const url = this.#gateways.urlOf(name);
      if (url === undefined) continue;
      const count = this.#clients().filter(({ state, gateway }) => state === 'live' && gateway === url).length;
      setText(part(row, 'clients'), `${count} ${count === 1 ? 'client' : 'clients'} of this page`);
    }
  }

  #addRow(program: string): HTMLElement {
    const row = stamp('process');
    const name = this.#gateways.programName(program);
    const kind = program.startsWith('gateway') ? 'gateways' : 'workers';
    part(row, 'name').textContent = name;
    const button = part<HTMLButtonElement>(row, 'kill');
    button.hidden = !this.#kills;
    button.setAttribute('aria-label', `Kill ${name}`);
    button.addEventListener('click', () => {
      button.disabled = true;
      this.#say(`SIGKILL to ${name}`);
      kill(program).catch((error: unknown) => this.#say(`${name}: ${String(error)}`));
    });
    this.#rows.set(program, row);
    part(this.#root, kind).append(row);
    return row;
  }

  #say(text: string): void {
    const log = part(this.#root, 'log');
    const line = element('li');
    line.append(element('time', new Date().toLocaleTimeString('en-GB')), element('span', text));
    log.prepend(line);
    while (log.childElementCount > MAX_LINES) log.lastElementChild?.remove();
  }
}
