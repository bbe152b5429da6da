import * as ws from 'ws';

/** Options of an Engine.IO packet, as far as they matter here. */
export interface WriteOptions {
  readonly compress: false;
  readonly wsPreEncodedFrame?: readonly Buffer[];
}

/** A part of `ws` that its types leave out, though Socket.IO's own broadcasts call it. */
interface Framing {
  readonly Sender: {
    frame(
      data: Buffer,
      options: { readOnly: boolean; mask: boolean; rsv1: boolean; opcode: number; fin: boolean },
    ): Buffer[];
  };
}
const { Sender } = ws as unknown as Framing;

const PLAIN: WriteOptions = { compress: false };
const TEXT_FRAME = { readOnly: false, mask: false, rsv1: false, opcode: 1, fin: true } as const;

/**
 * A Socket.IO event packet in its wire form, made once per gateway however many sockets receive it.
 * @see https://socket.io/docs/v4/socket-io-protocol/#packet-encoding
 */
export class EncodedPacket {
  readonly text: string;
  #bytes = 0;
  #framed: WriteOptions | undefined;

  /**
   * @param event JSON text of the first argument
   * @param cursor the last argument, which a stock client sends back as its `offset`
   */
  constructor(type: string, event: string, cursor: string) {
    this.text = `2[${JSON.stringify(type)},${event},${JSON.stringify(cursor)}]`;
  }

  /** Its length on the wire, in UTF-8. */
  get bytes(): number {
    if (this.#bytes === 0) this.#bytes = Buffer.byteLength(this.text);
    return this.#bytes;
  }

  /** For a packet that goes to one socket. */
  get options(): WriteOptions {
    return this.#framed ?? PLAIN;
  }

  /** For a packet that goes to several: its WebSocket frame is made once. */
  get sharedOptions(): WriteOptions {
    // "4" is the message packet of the Engine.IO protocol.
    this.#framed ??= { compress: false, wsPreEncodedFrame: Sender.frame(Buffer.from(`4${this.text}`), TEXT_FRAME) };
    return this.#framed;
  }
}
