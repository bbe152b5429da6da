import type { Ledger } from './ledger.ts';
import type { CatchUp, MemberClient } from './member-client.ts';

/** What the panels of single clients tell the page. */
export interface Observer {
  /** A client's state or numbers changed. */
  onChange(): void;
  /** A client was closed, and another took its place. */
  onRetired(ledger: Ledger): void;
  onCaughtUp(client: MemberClient, catchUp: CatchUp): void;
  onDelayed(client: MemberClient, waitedMs: number): void;
}
