import * as ws from 'ws';

/** Options of an Engine.IO packet, as far as they matter here. */
export interface WriteOptions {
  readonly compress: false;
  readonly wsPreEncodedFrame: readonly Buffer[];
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

const TEXT_FRAME = { readOnly: true, mask: false, rsv1: false, opcode: 1, fin: true } as const;

/**
 * A Socket.IO event packet in its wire form, made once per gateway however many sockets receive it: as a WebSocket frame, and
 * from that as text for whoever polls. It copies the event, so that nothing keeps the reply of Redis that it stood in.
 * @see https://socket.io/docs/v4/socket-io-protocol/#packet-encoding
 */
export class EncodedPacket {
  readonly options: WriteOptions;
  readonly #frame: Buffer;
  readonly #textAt: number;
  #text: string | undefined;

  /**
   * @param event JSON text of the first argument, in UTF-8 where it is a buffer
   * @param cursor the last argument, which a stock client sends back as its `offset`
   */
  constructor(type: string, event: Buffer | string, cursor: string) {
    // "4" is the message packet of Engine.IO, "2" the event packet of Socket.IO.
    const head = Buffer.from(`42[${JSON.stringify(type)},`);
    const tail = Buffer.from(`,${JSON.stringify(cursor)}]`);
    const payload = Buffer.concat([head, typeof event === 'string' ? Buffer.from(event) : event, tail]);
    this.#frame = Buffer.concat(Sender.frame(payload, TEXT_FRAME));
    this.#textAt = this.#frame.length - payload.length + 1;
    this.options = { compress: false, wsPreEncodedFrame: [this.#frame] };
  }

  /** The packet as Engine.IO takes it. */
  get text(): string {
    this.#text ??= this.#frame.toString('utf8', this.#textAt);
    return this.#text;
  }

  /** Its length on the wire, in UTF-8. */
  get bytes(): number {
    return this.#frame.length;
  }
}
