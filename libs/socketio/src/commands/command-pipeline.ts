import type { Event, Socket } from 'socket.io';
import type { Connection } from '../connection.ts';
import { RefusedError } from '../errors.ts';
import type { GatewayLog } from '../options.ts';
import { type Acknowledgement, failed, succeeded } from './acknowledgement.ts';
import type { Command, CommandContext } from './command.ts';

const DEFAULT_TIMEOUT_MS = 10_000;

/** Says whether one more command may run now. */
export interface CommandLimiter {
  /** @throws RefusedError `RATE_LIMITED` with the time to wait, `INVALID_PAYLOAD` for what is too large or too deep */
  admit(context: CommandContext, args: readonly unknown[]): Promise<void>;
}

/**
 * The one way of every command of a client, whatever gateway it belongs to: rate limit, then who may call it, then the form
 * of its argument, then the command itself under a deadline, then one typed answer. Nothing that a client sends gets past
 * it: a name that is not registered is answered, and reaches no other listener.
 */
export class CommandPipeline {
  readonly #commands = new Map<string, Command>();
  readonly #limiter: CommandLimiter;
  readonly #log: GatewayLog;

  constructor(limiter: CommandLimiter, log: GatewayLog) {
    this.#limiter = limiter;
    this.#log = log;
  }

  /** @throws Error where the name is taken */
  register(command: Command): void {
    if (this.#commands.has(command.name)) throw new Error(`command "${command.name}" is registered already`);
    this.#commands.set(command.name, command);
  }

  /** Takes charge of everything that a connected client sends. */
  attach(socket: Socket, connection: Connection): void {
    socket.use((packet) => {
      if (connection.state === 'closing' || connection.state === 'closed') return;
      void this.#serve(packet, { socket, connection });
      // `next` is not called: nothing but a command is listened for.
    });
  }

  async #serve([name, ...args]: Event, context: CommandContext): Promise<void> {
    const last = args.at(-1);
    const acknowledge = typeof last === 'function' ? (last as (answer: Acknowledgement) => void) : null;
    const reply = acknowledge ?? ((answer: Acknowledgement) => answer.ok || context.socket.emit('error', answer));
    const answer = await this.#answer(name, acknowledge ? args.slice(0, -1) : args, context);
    try {
      reply(answer);
    } catch (error) {
      // What a command returns may not be possible to write as JSON.
      reply(this.#failed(name, error, context));
    }
    context.connection.answered();
  }

  /** Never rejects. */
  async #answer(name: string, args: readonly unknown[], context: CommandContext): Promise<Acknowledgement> {
    try {
      await this.#limiter.admit(context, args);
      const command = this.#commands.get(name);
      if (!command) throw new RefusedError('UNKNOWN_COMMAND', 'there is no such command');
      await authorize(command, context);
      const input = await this.#parse(command, args);
      return succeeded(await withDeadline(command, () => command.run(input, context)));
    } catch (error) {
      return error instanceof RefusedError ? failed(error) : this.#failed(name, error, context);
    }
  }

  /** What went wrong is the operator's to know, not the client's. */
  #failed(command: string, error: unknown, { socket }: CommandContext): Acknowledgement {
    this.#log.error({ err: error, command, socketId: socket.id }, 'a command failed');
    return failed(new RefusedError('OVERLOADED', 'the command could not be carried out', { cause: error }));
  }

  async #parse(command: Command, args: readonly unknown[]): Promise<unknown> {
    if (args.length > 1) throw new RefusedError('INVALID_PAYLOAD', 'a command takes one argument');
    const result = await command.schema['~standard'].validate(args[0]);
    if (result.issues === undefined) return result.value;
    const problems = result.issues.slice(0, 5).map(({ path, message }) => {
      const where = (path ?? []).map((segment) => (typeof segment === 'object' ? segment.key : segment)).join('.');
      return where === '' ? message : `${where}: ${message}`;
    });
    throw new RefusedError('INVALID_PAYLOAD', problems.join('; '));
  }
}

/** A command sees a connection that is live: its rooms are not to change while it is being replayed to. */
async function authorize({ roles, scopes = [] }: Command, { connection }: CommandContext): Promise<void> {
  if ((await connection.settled()) !== 'live') throw new RefusedError('OVERLOADED', 'the connection is closing');
  const { principal } = connection;
  const hasRole = roles === undefined || roles.some((role) => principal.roles.includes(role));
  if (!hasRole || !scopes.every((scope) => principal.scopes.includes(scope))) {
    throw new RefusedError('FORBIDDEN', 'this token may not call the command');
  }
}

async function withDeadline(command: Command, run: () => unknown): Promise<unknown> {
  const timeoutMs = command.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new RefusedError('OVERLOADED', `not done within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([Promise.resolve().then(run), late]);
  } finally {
    clearTimeout(timer);
  }
}
