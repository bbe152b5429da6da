import type { Member } from '../cast.ts';
import { Board } from './board.ts';
import { type ClientState, DemoClient } from './client.ts';
import type { Announcement } from './ledger.ts';
import { momentOf } from './moment.ts';

const STATES: Readonly<Record<ClientState, string>> = {
  connecting: 'Connecting',
  replaying: 'Catching up',
  live: 'Live',
  cut: 'Cut off',
  refused: 'Refused',
};

/** One tenant, as one of its members sees it, with the controls of that member's client. */
export class Panel {
  readonly #root: HTMLElement;
  readonly #gateways: readonly string[];
  #client: DemoClient;
  #scheduled = false;

  /** @param gateway index of the one to begin with */
  constructor(members: readonly Member[], gateways: readonly string[], gateway: number) {
    const template = document.querySelector('#panel') as HTMLTemplateElement;
    this.#root = (template.content.cloneNode(true) as DocumentFragment).firstElementChild as HTMLElement;
    this.#gateways = gateways;
    const [first] = members as [Member];
    this.#root.dataset.tenant = first.tenant;
    this.#root.setAttribute('aria-label', first.tenant);
    this.#part('events').setAttribute('aria-label', `${first.tenant}: received events with their cursors`);
    this.#part('tenant').textContent = first.tenant;
    const select = this.#part('member') as HTMLSelectElement;
    select.append(...members.map(({ id, name, role }) => new Option(`${name}, ${role}`, id)));
    select.addEventListener('change', () => {
      this.#client.close();
      this.#client = this.#connect(members[select.selectedIndex] as Member, this.#client.gateway);
    });
    this.#part('switch').addEventListener('click', () => {
      if (this.#client.state === 'cut') this.#client.restore();
      else this.#client.cut();
    });
    this.#part('hop').hidden = gateways.length < 2;
    this.#part('hop').addEventListener('click', () => this.#client.hop(this.#nextGateway));
    this.#client = this.#connect(first, gateways[gateway % gateways.length] as string);
    document.querySelector('main')?.append(this.#root);
  }

  announce(announcement: Announcement): void {
    const { tenant, id } = this.#client.member;
    if (!announcement.recipients.includes(`${tenant}/${id}`)) return;
    this.#client.ledger.announce(announcement);
    this.#schedule();
  }

  get #nextGateway(): string {
    const next = (this.#gateways.indexOf(this.#client.gateway) + 1) % this.#gateways.length;
    return this.#gateways[next] as string;
  }

  #connect(member: Member, gateway: string): DemoClient {
    const board = new Board(this.#root);
    this.#schedule();
    return new DemoClient(member, gateway, {
      onChange: () => this.#schedule(),
      onEvent: (event, cursor, replayed) => {
        board.show(event, cursor, replayed);
        this.#schedule();
      },
    });
  }

  /** Draws once per frame, however many events a replay brings. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(() => {
      this.#scheduled = false;
      this.#draw();
    });
  }

  #draw(): void {
    const { state, gateway, ledger } = this.#client;
    const moment = momentOf(this.#client);
    this.#root.dataset.state = state;
    this.#root.dataset.moment = moment.kind;
    this.#part('state').textContent = STATES[state];
    this.#part('switch').setAttribute('aria-checked', String(state !== 'cut'));
    this.#part('gateway').textContent = `${this.#nameOf(gateway)}, ${new URL(gateway).host}`;
    this.#part('hop').textContent = `Hop to ${this.#nameOf(this.#nextGateway)}`;
    this.#part('figure').textContent = moment.figure;
    this.#part('title').textContent = moment.title;
    this.#part('detail').textContent = moment.detail;
    for (const name of ['received', 'twice', 'disordered', 'foreign'] as const) {
      this.#part(name).textContent = String(ledger[name]);
      this.#part(name).classList.toggle('wrong', name !== 'received' && ledger[name] > 0);
    }
    this.#speak(state === 'live' ? `live, ${moment.figure} ${moment.title}` : STATES[state]);
  }

  /** For screen readers: changes of state, not each event that is missed. */
  #speak(text: string): void {
    const spoken = `${this.#root.dataset.tenant}: ${text}`;
    if (this.#part('spoken').textContent !== spoken) this.#part('spoken').textContent = spoken;
  }

  #nameOf(gateway: string): string {
    return `gateway ${this.#gateways.indexOf(gateway) + 1}`;
  }

  #part(name: string): HTMLElement {
    return this.#root.querySelector(`[data-part="${name}"]`) as HTMLElement;
  }
}
