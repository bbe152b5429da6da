import { part, setText } from './dom.ts';
import type { Ledger } from './ledger.ts';
import type { MemberClient } from './member-client.ts';

const FAULTS = ['lost', 'twice', 'disordered', 'foreign'] as const;

type Counts = Record<'received' | (typeof FAULTS)[number], number>;

/** What all clients of the page received, and what must stay 0. */
export class Totals {
  readonly #root: HTMLElement;
  /** Of clients that are no more. */
  readonly #before: Counts = { received: 0, lost: 0, twice: 0, disordered: 0, foreign: 0 };

  constructor(root: HTMLElement) {
    this.#root = root;
  }

  /** Counts on with what a client received that is closed now. */
  keep(ledger: Ledger): void {
    for (const name of ['received', ...FAULTS] as const) this.#before[name] += ledger[name];
  }

  draw(clients: readonly MemberClient[]): void {
    const sum = (name: keyof Counts): number =>
      clients.reduce((total, { ledger }) => total + ledger[name], this.#before[name]);
    setText(part(this.#root, 'received'), sum('received').toLocaleString('en'));
    const missing = clients.reduce((total, client) => total + client.missing, 0);
    setText(part(this.#root, 'missing'), String(missing));
    part(this.#root, 'missing').dataset.some = String(missing > 0);
    for (const name of FAULTS) {
      const count = sum(name);
      setText(part(this.#root, name), String(count));
      part(this.#root, name).dataset.wrong = String(count > 0);
    }
  }
}
