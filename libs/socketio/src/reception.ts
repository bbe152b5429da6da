import type { FeedTail } from '@rejoin/feed';
import { refusal, type WireCode } from '@rejoin/protocol';
import type { Socket } from 'socket.io';
import type { Admission } from './admission.ts';
import type { CommandLimits } from './commands/command-limits.ts';
import type { CommandPipeline } from './commands/command-pipeline.ts';
import { Connection, type ConnectionBounds, type ConnectionSurroundings } from './connection.ts';
import type { Connections } from './connections.ts';
import type { Closings } from './control/closings.ts';
import type { Door } from './door.ts';
import type { DeliveryCounters, GatewayListener, ResumeOutcome } from './gateway-listener.ts';
import type { GroupRooms } from './group-rooms.ts';
import type { Membership } from './membership.ts';
import type { GatewayLog } from './options.ts';
import type { ConnectionPrincipal } from './principal.ts';
import type { Replayer, ReplayRequest } from './replayer.ts';
import { returnDelayMs } from './return-delay.ts';
import type { Revocations } from './revocations.ts';

export interface ReceptionOptions {
  readonly tail: FeedTail;
  readonly door: Door;
  readonly membership: Membership;
  readonly groups: GroupRooms;
  readonly connections: Connections;
  readonly revocations: Revocations;
  readonly replayer: Replayer;
  readonly pipeline: CommandPipeline;
  readonly commandLimits: CommandLimits;
  readonly closings: Closings;
  readonly counters: DeliveryCounters;
  readonly bounds: ConnectionBounds;
  readonly listener: GatewayListener;
  readonly log: GatewayLog;
}

/** Receives the clients that the door let in: gives each its connection, brings it to live, and clears up when it is gone. */
export class Reception {
  readonly #options: ReceptionOptions;
  readonly #surroundings: ConnectionSurroundings;

  constructor(options: ReceptionOptions) {
    this.#options = options;
    const { bounds, counters } = options;
    this.#surroundings = { bounds, counters, onSlow: (slow) => this.#closeSlow(slow) };
  }

  /** Runs in the turn in which the socket connects: joins, position and state belong together. */
  receive(socket: Socket): void {
    const { connections, membership, groups, pipeline, log } = this.#options;
    const admission = this.#options.door.takeAdmission(socket);
    const { principal, partition, start, epoch } = admission;
    const connection = this.#connect(socket, admission);
    connections.add(connection);
    socket.on('disconnect', (reason) => this.#dismiss(connection, reason));
    this.#join(connection, admission);
    const closing = this.#changedSince(principal, partition, epoch);
    if (closing) {
      connection.close(refusal(closing, closing === 'AUTH_REVOKED' ? undefined : returnDelayMs()));
      return;
    }
    membership.save(connection).catch((error: unknown) => {
      log.warn({ err: error, socketId: socket.id }, 'keeping a session failed');
    });
    groups.admit(connection, admission.groupsReadAtMs).catch((error: unknown) => {
      log.warn({ err: error, socketId: socket.id }, 'groups are not known: the client must come back');
      connection.close(refusal('OVERLOADED', returnDelayMs()));
    });
    pipeline.attach(socket, connection);
    if (start.kind === 'fresh') connection.goLive(() => ({ status: 'none', count: 0 }));
    else void this.#resume(connection, { start: start.replay, from: start.from, epoch });
  }

  #connect(socket: Socket, { principal, partition, wants, start, epoch }: Admission): Connection {
    const { tail } = this.#options;
    return new Connection(
      {
        socket,
        principal,
        partition,
        epoch,
        wants,
        resumedFrom: start.kind === 'resume' && start.replay.gap === null ? start.replay.after : null,
      },
      start.kind === 'fresh' ? tail.position(partition) : start.replay.after,
      this.#surroundings,
    );
  }

  #join(connection: Connection, { rooms, watched, partition }: Admission): void {
    const { tail, membership } = this.#options;
    membership.join(connection, rooms);
    const position = tail.position(partition);
    for (const [resource, since] of watched) connection.watched.set(resource, since ?? position);
  }

  /** Never rejects. */
  async #resume(connection: Connection, request: ReplayRequest): Promise<void> {
    const { replayer, listener, log } = this.#options;
    const startedMs = performance.now();
    const tell = (outcome: Omit<ResumeOutcome, 'durationMs'>): void =>
      listener.onResumed?.({ ...outcome, durationMs: performance.now() - startedMs });
    try {
      const report = await replayer.run(connection, request);
      if (report === null) tell({ result: 'gone' });
      else if (report.status === 'gap') tell({ result: 'gap', reason: report.reason });
      else tell({ result: 'complete' });
    } catch (error) {
      log.warn({ err: error, socketId: connection.socket.id }, 'a replay failed: the client must come back');
      connection.close(refusal('OVERLOADED', returnDelayMs()));
      tell({ result: 'failed' });
    }
  }

  #closeSlow(connection: Connection): void {
    this.#options.listener.onLimited?.('buffered_bytes');
    connection.close(refusal('SLOW_CONSUMER', returnDelayMs()), { patient: false });
  }

  /** What happened between a client's admission and its connection that shuts it out after all. */
  #changedSince(principal: ConnectionPrincipal, partition: number, epoch: string): WireCode | null {
    const { tail, door, revocations } = this.#options;
    if (revocations.covers(principal)) return 'AUTH_REVOKED';
    if (door.draining) return 'DRAINING';
    return epoch === tail.epoch(partition) ? null : 'OVERLOADED';
  }

  #dismiss(connection: Connection, reason: string): void {
    const { closings, connections, commandLimits, log } = this.#options;
    closings.add(connection, reason);
    connections.remove(connection);
    connection.onClosed();
    const { socket } = connection;
    commandLimits.forget({ socket, connection }).catch((error: unknown) => {
      log.warn({ err: error }, 'forgetting a count failed');
    });
  }
}
