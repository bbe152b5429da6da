import { WebSocketGateway } from '@nestjs/websockets';
import { ClientCommand, WatchPolicies } from '@rejoin/nest';
import { type CommandContext, RefusedError, ResumableGateway } from '@rejoin/socketio';
import * as v from 'valibot';

const Ticket = v.strictObject({ ticketId: v.pipe(v.string(), v.maxLength(64)) });
type Ticket = v.InferOutput<typeof Ticket>;

@WebSocketGateway()
export class TicketsGateway {
  readonly #closed = new Set<string>();

  constructor(
    private readonly gateway: ResumableGateway,
    policies: WatchPolicies,
  ) {
    // Asked for `watch: ['ticket:7']` in a handshake, for every new watch, and again after every reconnect.
    policies.register('ticket', ({ roles }) => roles.includes('agent'));
  }

  @ClientCommand('tickets:watch', { schema: Ticket })
  async watch({ ticketId }: Ticket, { connection }: CommandContext) {
    await this.gateway.membership.watch(connection, { kind: 'resource', resource: 'ticket', id: ticketId });
    return { watching: [...connection.watched.keys()] };
  }

  @ClientCommand('tickets:close', { schema: Ticket, roles: ['agent'], timeoutMs: 5_000 })
  close({ ticketId }: Ticket, { connection }: CommandContext) {
    if (this.#closed.has(ticketId)) throw new RefusedError('FORBIDDEN', 'the ticket is closed already');
    this.#closed.add(ticketId);
    return { ticketId, closedBy: connection.principal.userId };
  }
}
