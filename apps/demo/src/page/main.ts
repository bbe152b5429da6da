import type { Member } from '../cast.ts';
import type { TrafficStatus } from '../order-traffic.ts';
import type { Announcement } from './ledger.ts';
import { Panel } from './panel.ts';

interface Cast {
  readonly members: readonly Member[];
  readonly gateways: readonly string[];
  readonly signsTokens: boolean;
}

const service = document.querySelector('#service') as HTMLElement;

function report(text: string, ok: boolean): void {
  service.textContent = text;
  service.classList.toggle('problem', !ok);
}

async function start(): Promise<void> {
  const { members, gateways, signsTokens } = (await (await fetch('/cast')).json()) as Cast;
  if (!signsTokens) {
    report('JWT_SECRET is not set: tokens are signed elsewhere, so this page can sign in nobody.', false);
    return;
  }
  const tenants = [...new Set(members.map(({ tenant }) => tenant))];
  const panels = tenants.map(
    (name, index) =>
      new Panel(
        members.filter(({ tenant }) => tenant === name),
        gateways,
        index,
      ),
  );
  const stream = new EventSource('/published');
  stream.addEventListener('published', ({ data }: MessageEvent<string>) => {
    for (const panel of panels) panel.announce(JSON.parse(data) as Announcement);
  });
  stream.addEventListener('status', ({ data }: MessageEvent<string>) => {
    const { problem } = JSON.parse(data) as TrafficStatus;
    if (problem === null) report('Orders service: publishing', true);
    else report(`Orders service: ${problem}; its events wait`, false);
  });
  stream.addEventListener('error', () => report('The orders service does not answer; trying again', false));
}

start().catch((error: unknown) => {
  report(`The page could not start (${String(error)}). Reload it.`, false);
});
