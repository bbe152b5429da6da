import { Decoder, Encoder, type Packet, PacketType } from 'socket.io-parser';

export interface CommandBounds {
  /** In bytes, with its attachments. */
  readonly maxCommandBytes: number;
  /** How deep arrays and objects may be nested. */
  readonly maxCommandDepth: number;
}

/** What a server's `parser` option takes. */
interface Parser {
  readonly Encoder: typeof Encoder;
  readonly Decoder: new () => Decoder;
}

/** Stands in a packet in place of arguments that are beyond a bound, so that the command is still answered. */
export class OversizedArguments {
  /** Names the bound in metrics. */
  readonly scope: 'command_bytes' | 'command_depth';
  readonly message: string;

  constructor(scope: 'command_bytes' | 'command_depth', message: string) {
    this.scope = scope;
    this.message = message;
  }
}

/**
 * Socket.IO's own parser, which holds what clients send to bounds as it comes in: nothing behind it meets an argument that is
 * larger or deeper. The server's `parser` option.
 */
export function clientParser({ maxCommandBytes, maxCommandDepth }: CommandBounds): Parser {
  class BoundedDecoder extends Decoder {
    #bytes = 0;

    constructor() {
      super();
      // Before Socket.IO listens.
      this.on('decoded', (packet: Packet) => {
        if (packet.type === PacketType.EVENT) this.#bound(packet);
        this.#bytes = 0;
      });
    }

    override add(chunk: unknown): void {
      this.#bytes += typeof chunk === 'string' ? Buffer.byteLength(chunk) : lengthOf(chunk);
      super.add(chunk);
    }

    #bound(packet: Packet): void {
      const excess = this.#excessOf(packet);
      if (excess) packet.data = [packet.data[0], excess];
    }

    #excessOf({ data }: Packet): OversizedArguments | null {
      if (this.#bytes > maxCommandBytes) {
        return new OversizedArguments('command_bytes', `a command has at most ${maxCommandBytes} bytes`);
      }
      if (!isDeeper(data as unknown[], maxCommandDepth)) return null;
      return new OversizedArguments('command_depth', `arguments are nested at most ${maxCommandDepth} deep`);
    }
  }
  return { Encoder, Decoder: BoundedDecoder };
}

function lengthOf(chunk: unknown): number {
  return Buffer.isBuffer(chunk) || chunk instanceof ArrayBuffer ? chunk.byteLength : 0;
}

/** Level by level, for a recursion could be led as deep as a packet is long. */
function isDeeper(args: readonly unknown[], maxDepth: number): boolean {
  let level: unknown[] = args.filter(isContainer);
  for (let depth = 0; level.length > 0; depth++) {
    if (depth >= maxDepth) return true;
    level = level.flatMap((container) => Object.values(container as object).filter(isContainer));
  }
  return false;
}

function isContainer(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !ArrayBuffer.isView(value);
}
