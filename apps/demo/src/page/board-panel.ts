import type { Member } from '../cast.ts';
import { Board } from './board.ts';
import { Drawing, part, setText, stamp } from './dom.ts';
import type { Gateways } from './gateways.ts';
import { MemberClient } from './member-client.ts';
import { momentOf, STATES } from './moment.ts';
import type { Observer } from './observer.ts';
import { Tape } from './tape.ts';

/** One tenant's orders, as one of its members sees them, and the switch that cuts that member off. */
export class BoardPanel {
  readonly root = stamp('board');
  readonly #members: readonly Member[];
  readonly #gateways: Gateways;
  readonly #observer: Observer;
  readonly #drawing = new Drawing(() => this.#draw());
  #client: MemberClient;

  /**
   * @param members of one tenant, of whom the first is signed in
   * @param gatewayIndex of the gateway to begin with
   */
  constructor(members: readonly Member[], gateways: Gateways, gatewayIndex: number, observer: Observer) {
    this.#members = members;
    this.#gateways = gateways;
    this.#observer = observer;
    const [first] = members as [Member];
    this.root.dataset.tenant = first.tenant;
    part(this.root, 'tenant').textContent = first.tenant;
    const select = part<HTMLSelectElement>(this.root, 'member');
    select.append(...members.map(({ id, name, role }) => new Option(`${name}, ${role}`, id)));
    select.addEventListener('change', () => {
      this.#client.close();
      observer.onRetired(this.#client.ledger);
      this.#client = this.#connect(this.#members[select.selectedIndex] as Member, gatewayIndex);
    });
    part(this.root, 'switch').addEventListener('click', () => {
      if (this.#client.cut) this.#client.switchOn();
      else this.#client.switchOff();
    });
    this.#client = this.#connect(first, gatewayIndex);
  }

  get client(): MemberClient {
    return this.#client;
  }

  #connect(member: Member, gatewayIndex: number): MemberClient {
    const board = new Board(this.root);
    const tape = new Tape(part(this.root, 'tape'));
    part(this.root, 'avatar').textContent = member.name.charAt(0);
    const client: MemberClient = new MemberClient(member, member.name, this.#gateways.urls, gatewayIndex, {
      onChange: () => this.#drawing.request(),
      onOrder: (event, reception) => board.show(event, reception),
      onAwaited: ({ id }) => tape.await(id),
      onReceived: ({ id }, replayed) => tape.receive(id, replayed),
      onCaughtUp: (catchUp) => {
        if (catchUp.replay.status === 'gap') tape.giveUp();
        this.#observer.onCaughtUp(client, catchUp);
      },
      onDelayed: (waitedMs) => this.#observer.onDelayed(client, waitedMs),
    });
    return client;
  }

  #draw(): void {
    const { state, cut, gateway, ledger, member } = this.#client;
    const moment = momentOf(this.#client, (url) => this.#gateways.nameOf(url));
    this.root.dataset.state = state;
    this.root.dataset.moment = moment.kind;
    setText(part(this.root, 'state'), STATES[state]);
    setText(part(this.root, 'gateway'), cut ? 'no connection' : this.#gateways.nameOf(gateway));
    part(this.root, 'switch').setAttribute('aria-checked', String(!cut));
    part(this.root, 'switch').setAttribute('aria-label', `Connection of ${member.name} of ${member.tenant}`);
    setText(part(this.root, 'figure'), moment.figure);
    setText(part(this.root, 'title'), moment.title);
    setText(part(this.root, 'detail'), moment.detail);
    setText(part(this.root, 'received'), String(ledger.received));
    // For screen readers: what the switch did, not each event that is missed.
    const caughtUp = moment.kind === 'fresh' ? '' : `, ${moment.figure} ${moment.title}`;
    const spoken = `${member.name}: ${state === 'live' ? `live${caughtUp}` : STATES[state]}`;
    setText(part(this.root, 'spoken'), spoken);
    this.#observer.onChange();
  }
}
