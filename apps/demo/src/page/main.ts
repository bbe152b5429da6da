import type { Member } from '../cast.ts';
import { BoardPanel } from './board-panel.ts';
import { colour } from './code.ts';
import { Device } from './device.ts';
import { Drawing, part } from './dom.ts';
import { Gateways } from './gateways.ts';
import { IsolationPanel } from './isolation-panel.ts';
import type { Observer } from './observer.ts';
import { ProcessPanel } from './process-panel.ts';
import { fetchCast, listen, placeOrder } from './service.ts';
import { Totals } from './totals.ts';

const service = byId('service');

function byId(id: string): HTMLElement {
  return document.querySelector(`#${id}`) as HTMLElement;
}

function report(text: string, ok: boolean): void {
  service.textContent = text;
  service.dataset.ok = String(ok);
}

async function start(): Promise<void> {
  for (const code of document.querySelectorAll<HTMLElement>('pre > code')) colour(code);
  const { members, gateways: urls, signsTokens, kills } = await fetchCast();
  if (!signsTokens) {
    report('JWT_SECRET is not set: tokens are signed elsewhere, so this page can sign in nobody.', false);
    return;
  }
  const gateways = new Gateways(urls);
  const tenants = [...new Set(members.map(({ tenant }) => tenant))];
  const totals = new Totals(byId('totals'));
  const drawing = new Drawing(() => {
    totals.draw(clients());
    isolation.draw();
    processes.drawClients();
  });
  const observer: Observer = {
    onChange: () => drawing.request(),
    onRetired: (ledger) => totals.keep(ledger),
    onCaughtUp: (client, catchUp) => processes.onCaughtUp(client, catchUp),
    onDelayed: (client, waitedMs) => processes.onDelayed(client, waitedMs),
  };
  const boards = tenants.map((tenant, index) => {
    const ofTenant = members.filter((member) => member.tenant === tenant);
    return new BoardPanel(ofTenant, gateways, index, observer);
  });
  const owner = members.find(({ role }) => role === 'customer') as Member;
  const devices = ['Phone', 'Laptop'].map((name, index) => new Device(name, owner, gateways, index, observer));
  const clients = () => [...boards, ...devices].map(({ client }) => client);
  const processes = new ProcessPanel(byId('kill'), gateways, kills, clients);
  const isolation = new IsolationPanel(byId('tenants'), tenants, clients);
  part(byId('cut'), 'boards').append(...boards.map(({ root }) => root));
  part(byId('devices'), 'devices').append(...devices.map(({ root }) => root));
  offerOrder(owner);

  listen({
    onEmitted: (event) => {
      isolation.count(event);
      for (const client of clients()) client.announce(event);
    },
    onWithdrawn: ({ id }) => {
      for (const client of clients()) client.withdraw(id);
    },
    onStatus: ({ problem }) =>
      report(problem === null ? 'Orders service: publishing' : `Orders service: ${problem}; its events wait`, !problem),
    onPrograms: (programs) => processes.show(programs),
    onAway: () => report('The orders service does not answer; trying again', false),
  });
}

function offerOrder(customer: Member): void {
  const button = part<HTMLButtonElement>(byId('devices'), 'order');
  const answer = part(byId('devices'), 'ordered');
  button.textContent = `Order something as ${customer.name}`;
  button.addEventListener('click', () => {
    placeOrder(customer).then(
      (number) => {
        answer.textContent = `Order ${number} is placed.`;
      },
      (error: unknown) => {
        answer.textContent = `Not placed: ${error instanceof Error ? error.message : String(error)}`;
      },
    );
  });
}

start().catch((error: unknown) => {
  report(`The page could not start (${String(error)}). Reload it.`, false);
});
