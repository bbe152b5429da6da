import { createClient } from '@rejoin/client';
import { element, part, setText } from './dom.ts';
import type { MemberClient } from './member-client.ts';
import { type Emitted, fetchToken } from './service.ts';

/** How long the trial listens after it was let in: long enough for both shops to emit something. */
const TRIAL_MS = 3_000;

/** What each tenant's service emitted, and what of it reached whom: nothing crosses over. */
export class IsolationPanel {
  readonly #root: HTMLElement;
  readonly #tenants: readonly string[];
  readonly #clients: () => readonly MemberClient[];
  readonly #emitted = new Map<string, number>();
  readonly #rows = new Map<MemberClient, HTMLElement>();

  constructor(root: HTMLElement, tenants: readonly string[], clients: () => readonly MemberClient[]) {
    this.#root = root;
    this.#tenants = tenants;
    this.#clients = clients;
    part(root, 'try').addEventListener('click', () => this.#try());
  }

  count({ tenant }: Emitted): void {
    this.#emitted.set(tenant, (this.#emitted.get(tenant) ?? 0) + 1);
  }

  draw(): void {
    for (const tenant of this.#tenants) {
      setText(part(this.#root, `emitted-${tenant}`), `${this.#emitted.get(tenant) ?? 0} emitted`);
    }
    const clients = this.#clients();
    for (const [client, row] of this.#rows) if (!clients.includes(client)) this.#drop(client, row);
    for (const client of clients) this.#drawRow(client, this.#rows.get(client) ?? this.#addRow(client));
  }

  #addRow(client: MemberClient): HTMLElement {
    const row = element('tr');
    const head = element('th', `${client.name} of ${client.member.tenant}`);
    head.setAttribute('scope', 'row');
    row.append(head, ...this.#tenants.map(() => element('td')));
    this.#rows.set(client, row);
    part(this.#root, 'rows').append(row);
    return row;
  }

  #drawRow({ member, ledger }: MemberClient, row: HTMLElement): void {
    for (const [index, tenant] of this.#tenants.entries()) {
      const cell = row.children[index + 1] as HTMLElement;
      const own = tenant === member.tenant;
      cell.className = own ? 'own' : 'other';
      setText(cell, String(own ? ledger.received - ledger.foreign : ledger.foreign));
    }
  }

  #drop(client: MemberClient, row: HTMLElement): void {
    this.#rows.delete(client);
    row.remove();
  }

  /** A client of one tenant that presents the position of another's: as if it had stolen it. */
  #try(): void {
    const [thief, victim] = this.#tenants.map((tenant) =>
      this.#clients().find(({ member }) => member.tenant === tenant),
    );
    const stolen = victim?.client.cursor;
    if (!thief || !victim || stolen === undefined) {
      this.#answer('Wait until both boards are live.');
      return;
    }
    const button = part<HTMLButtonElement>(this.#root, 'try');
    button.disabled = true;
    let foreign = 0;
    const client = createClient({
      url: thief.gateway,
      token: () => fetchToken(thief.member),
      store: { get: () => stolen, set: () => undefined },
    });
    client.on('*', ({ subject = '' }) => {
      if (subject.startsWith(victim.member.tenant.charAt(0).toUpperCase())) foreign += 1;
    });
    client.onReplay((report) => {
      const verdict =
        report.status === 'gap'
          ? `The gateway does not know this position in ${thief.member.tenant} (${report.reason})`
          : 'A position is no key: it replays what the token may see';
      setTimeout(() => {
        client.close();
        button.disabled = false;
        this.#answer(`${verdict}. Events of ${victim.member.tenant} received: ${foreign}.`);
      }, TRIAL_MS);
    });
    client.connect();
    this.#answer(`${thief.member.name} connects with the position of ${victim.member.name} …`);
  }

  #answer(text: string): void {
    setText(part(this.#root, 'answer'), text);
  }
}
