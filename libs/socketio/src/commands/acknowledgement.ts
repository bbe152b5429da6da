import type { Refusal } from '@rejoin/protocol';
import { RefusedError } from '../errors.ts';

/** What a client is answered. Without an acknowledgement callback a failure comes as an `error` event of this shape. */
export type Acknowledgement =
  | { readonly ok: true; readonly data: unknown }
  | { readonly ok: false; readonly error: Refusal & { readonly message: string } };

export function succeeded(data: unknown): Acknowledgement {
  return { ok: true, data: data ?? null };
}

export function failed(error: RefusedError): Acknowledgement {
  return { ok: false, error: { ...error.data, message: error.message } };
}
