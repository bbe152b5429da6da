import type { Member } from '../cast.ts';
import type { Status } from '../orders/publishing-status.ts';
import type { ProgramStatus } from '../supervisor.ts';

/** What `GET /cast` says. */
export interface Cast {
  readonly members: readonly Member[];
  readonly gateways: readonly string[];
  readonly signsTokens: boolean;
  /** Whether this browser may kill processes. */
  readonly kills: boolean;
}

/** The orders service says that it emitted an event. */
export interface Emitted {
  readonly id: string;
  readonly time: string;
  readonly tenant: string;
  /** Users who should receive it. */
  readonly recipients: readonly string[];
}

/** What the orders service says beside its events. */
export interface Happenings {
  onEmitted(event: Emitted): void;
  /** An event that Redis would not take. */
  onWithdrawn(event: { readonly id: string }): void;
  onStatus(status: Status): void;
  onPrograms(programs: readonly ProgramStatus[]): void;
  /** It does not answer; it is asked again. */
  onAway(): void;
}

export async function fetchCast(): Promise<Cast> {
  return (await (await fetch('/cast')).json()) as Cast;
}

export async function fetchToken({ tenant, id }: Member): Promise<string> {
  const { token } = (await post('/tokens', { tenant, user: id })) as { readonly token: string };
  return token;
}

export async function placeOrder({ tenant, id }: Member): Promise<string> {
  const { number } = (await post('/orders', { tenant, user: id })) as { readonly number: string };
  return number;
}

/** SIGKILL, to the real process. */
export async function kill(program: string): Promise<void> {
  await post('/kill', { name: program });
}

export function listen(happenings: Happenings): void {
  const stream = new EventSource('/happenings');
  const on = <Data>(name: string, handle: (data: Data) => void): void =>
    stream.addEventListener(name, ({ data }: MessageEvent<string>) => handle(JSON.parse(data) as Data));
  on<Emitted>('emitted', (event) => happenings.onEmitted(event));
  on<{ readonly id: string }>('withdrawn', (event) => happenings.onWithdrawn(event));
  on<Status>('status', (status) => happenings.onStatus(status));
  on<readonly ProgramStatus[]>('programs', (programs) => happenings.onPrograms(programs));
  stream.addEventListener('error', () => happenings.onAway());
}

/** @throws Error with what the service says against it */
async function post(path: string, body: object): Promise<unknown> {
  const response = await fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const answer = (await response.json()) as { readonly detail?: string };
  if (!response.ok) throw new Error(answer.detail ?? `${path} answered ${response.status}`);
  return answer;
}
