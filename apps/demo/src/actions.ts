import { CAST, type Member } from './cast.ts';
import type { Supervisor } from './supervisor.ts';
import type { TokenMint } from './token-mint.ts';

export interface ActionOptions {
  /** `null`: tokens cannot be signed here. */
  readonly mint: TokenMint | null;
  readonly supervisor: Pick<Supervisor, 'programs' | 'kill'>;
  /** @returns the order's number, or `null` where too many are open */
  placeOrder(customer: Member): string | null;
}

type Answer =
  | { readonly status: 200 | 202; readonly body: object }
  | {
      readonly status: number;
      readonly code: string;
      readonly detail: string;
      readonly headers?: Readonly<Record<string, string>>;
    };

type Wanted = Readonly<Record<string, unknown>>;

/** @param isLocal whether a browser on this very machine asks */
export type Action = (wanted: Wanted, options: ActionOptions, isLocal: boolean) => Answer;

/** What the page may ask for, by path. */
export const ACTIONS: Readonly<Record<string, Action>> = {
  '/tokens': (wanted, { mint }) => {
    if (mint === null) {
      const detail = 'JWT_SECRET is not set: tokens are signed elsewhere, not by this demo';
      return { status: 503, code: 'NO_SIGNING_KEY', detail };
    }
    const member = memberOf(wanted);
    return member ? { status: 200, body: { token: mint.tokenFor(member) } } : UNKNOWN_MEMBER;
  },

  '/orders': (wanted, { placeOrder }) => {
    const customer = memberOf(wanted);
    if (customer?.role !== 'customer') return UNKNOWN_MEMBER;
    const number = placeOrder(customer);
    if (number !== null) return { status: 202, body: { number } };
    const detail = 'wait until some are shipped';
    return { status: 429, code: 'TOO_MANY_ORDERS', detail, headers: { 'retry-after': '2' } };
  },

  '/kill': ({ name }, { supervisor }, isLocal) => {
    if (!isLocal) return { status: 403, code: 'FORBIDDEN', detail: 'only from the machine that it runs on' };
    if (supervisor.kill(name)) return { status: 202, body: { name } };
    return { status: 404, code: 'NOT_RUNNING', detail: 'no process of this name runs here under npm start' };
  },
};

const UNKNOWN_MEMBER: Answer = {
  status: 404,
  code: 'UNKNOWN_MEMBER',
  detail: 'tenant and user must name somebody of GET /cast, for an order a customer',
};

function memberOf({ tenant, user }: Wanted): Member | undefined {
  return CAST.find((member) => member.tenant === tenant && member.id === user);
}
