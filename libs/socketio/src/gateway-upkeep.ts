import type { FeedTail } from '@rejoin/feed';
import { type EntryId, formatCursor, refusal } from '@rejoin/protocol';
import type { Connections } from './connections.ts';
import type { GroupRooms } from './group-rooms.ts';
import { inSlices } from './in-slices.ts';
import type { Membership } from './membership.ts';
import type { GatewayLog } from './options.ts';
import { EncodedPacket } from './packet.ts';
import type { Revocations } from './revocations.ts';

export interface GatewayUpkeepOptions {
  readonly tail: FeedTail;
  readonly partitions: number;
  readonly connections: Connections;
  readonly membership: Membership;
  readonly revocations: Revocations;
  readonly groups: GroupRooms;
  readonly windowMs: number;
  /** The last entry of a partition that the tail brought and that was in a room. */
  lastAddressed(partition: number): EntryId | undefined;
  readonly log: GatewayLog;
}

/**
 * A quiet client learns the tail's position this often at least, and no later than a 24th of the window. Where nothing moved
 * the tail but entries in no room, a 24th of the window is soon enough.
 */
const CURSOR_INTERVAL_MS = 60_000;
/** Sessions are written again this often at least, and four times in their life. */
const SESSION_INTERVAL_MS = 600_000;
/** Sessions that are written at once. */
const SESSIONS = 100;
/** How often revocations are looked for, in milliseconds: each must reach every gateway within a second. */
const REVOCATION_INTERVAL_MS = 300;
/** How often is looked for clients that do not read what others than the feed write, in milliseconds. */
const BUFFER_INTERVAL_MS = 1_000;
/** How often changes of membership are looked for, in milliseconds: each must reach every gateway within a second. */
const GROUPS_INTERVAL_MS = 300;
/** How often is looked for tokens that end, in milliseconds. */
const EXPIRY_INTERVAL_MS = 250;
const MIN_INTERVAL_MS = 50;

/** What a gateway does for its connections from time to time. */
export class GatewayUpkeep {
  readonly #options: GatewayUpkeepOptions;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #told = new Map<number, EntryId | undefined>();
  #allToldAtMs = performance.now();
  #groupsFailed = false;

  constructor(options: GatewayUpkeepOptions) {
    this.#options = options;
  }

  start(): void {
    const { connections, windowMs } = this.#options;
    this.#every(Math.min(CURSOR_INTERVAL_MS, windowMs / 24), () => this.#tellCursors());
    this.#every(Math.min(SESSION_INTERVAL_MS, windowMs / 4), () => this.#refreshSessions());
    this.#every(REVOCATION_INTERVAL_MS, () => this.#applyRevocations());
    this.#every(BUFFER_INTERVAL_MS, () => {
      for (const connection of connections.all()) connection.answered();
    });
    this.#every(EXPIRY_INTERVAL_MS, () => {
      const nowMs = Date.now();
      for (const connection of connections.all()) connection.checkExpiry(nowMs);
    });
    this.#every(GROUPS_INTERVAL_MS, () => this.#followGroups());
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }

  #every(ms: number, run: () => void): void {
    this.#timers.push(setInterval(run, Math.max(MIN_INTERVAL_MS, ms)));
  }

  #tellCursors(): void {
    const { tail, partitions, connections, windowMs, lastAddressed } = this.#options;
    const nowMs = performance.now();
    // A timer may be a little early.
    const isDue = nowMs - this.#allToldAtMs >= windowMs / 25;
    if (isDue) this.#allToldAtMs = nowMs;
    for (let partition = 0; partition < partitions; partition++) {
      const addressed = lastAddressed(partition);
      if (!isDue && this.#told.get(partition) === addressed) continue;
      this.#told.set(partition, addressed);
      const position = tail.position(partition);
      let packet: EncodedPacket | undefined;
      const shared = (): EncodedPacket => {
        const cursor = formatCursor({ epoch: tail.epoch(partition), partition, entryId: position });
        packet ??= new EncodedPacket('rejoin:cursor', '{}', cursor);
        return packet;
      };
      for (const connection of connections.ofPartition(partition)) connection.tellCursor(position, shared);
    }
  }

  #refreshSessions(): void {
    const { connections, membership, log } = this.#options;
    inSlices([...connections.all()], SESSIONS, (connection) => membership.save(connection)).catch((error: unknown) => {
      log.warn({ err: error }, 'refreshing sessions failed');
    });
  }

  #applyRevocations(): void {
    const { connections, revocations, log } = this.#options;
    revocations.read().then(
      (found) => {
        if (!found) return;
        for (const connection of [...connections.all()]) {
          if (revocations.covers(connection.principal)) connection.close(refusal('AUTH_REVOKED'));
        }
      },
      (error: unknown) => log.warn({ err: error }, 'reading revocations failed, trying again'),
    );
  }

  #followGroups(): void {
    const { groups, log } = this.#options;
    groups.follow().then(
      () => {
        this.#groupsFailed = false;
      },
      (error: unknown) => {
        if (!this.#groupsFailed) log.warn({ err: error }, 'following changes of membership failed, trying again');
        this.#groupsFailed = true;
      },
    );
  }
}
