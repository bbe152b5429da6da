import type { IncomingMessage } from 'node:http';
import { Problem } from '../problem/problem.ts';

export interface BodyLimits {
  /** Largest body, in bytes. */
  readonly maxBodyBytes: number;
  /** Most bytes of all bodies that are held at one time. */
  readonly maxHeldBytes: number;
  /** How a larger body is refused; `EVENT_TOO_LARGE` by default. */
  readonly tooLarge?: 'EVENT_TOO_LARGE' | 'REQUEST_TOO_LARGE';
}

/**
 * Reads request bodies as they are, within bounds of memory. What is refused is not stored but still drained, by Node, up
 * to the server's request time-out: closing the connection instead would take the answer away from the client.
 */
export class BodyReader {
  readonly #limits: BodyLimits;
  /** Bytes of bodies that are held now. */
  #heldBytes = 0;

  constructor(limits: BodyLimits) {
    this.#limits = limits;
  }

  /**
   * Reads the body and calls `use` with it; until that is settled, the body counts as held.
   * @throws Problem 413, 415 where it is compressed, 503 where too many bytes are held already
   */
  async read<Result>(request: IncomingMessage, use: (body: Buffer) => Promise<Result>): Promise<Result> {
    const encoding = request.headers['content-encoding'];
    if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
      // The bound would have to be on what comes out, and events are small.
      throw new Problem(415, 'UNSUPPORTED_MEDIA_TYPE', 'compressed bodies are not accepted', {
        headers: { 'accept-encoding': 'identity' },
      });
    }
    if (Number(request.headers['content-length']) > this.#limits.maxBodyBytes) throw this.#tooLarge();
    const share = { bytes: 0 };
    try {
      return await use(await this.#collect(request, share));
    } finally {
      this.#heldBytes -= share.bytes;
    }
  }

  #collect(request: IncomingMessage, share: { bytes: number }): Promise<Buffer> {
    const { maxBodyBytes, maxHeldBytes } = this.#limits;
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      const stop = (): void => {
        request.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose);
      };
      const refuse = (problem: Problem): void => {
        stop();
        // A late reset of the connection is nobody's business any more, but must have a listener.
        request.on('error', () => undefined);
        request.resume();
        reject(problem);
      };
      const onData = (chunk: Buffer): void => {
        share.bytes += chunk.length;
        this.#heldBytes += chunk.length;
        if (share.bytes > maxBodyBytes) refuse(this.#tooLarge());
        else if (this.#heldBytes > maxHeldBytes) {
          refuse(new Problem(503, 'OVERLOADED', 'too many requests are being read', { retryAfterMs: 1_000 }));
        } else chunks.push(chunk);
      };
      const onEnd = (): void => {
        stop();
        resolve(Buffer.concat(chunks));
      };
      const onError = (cause: Error): void => {
        stop();
        reject(new Problem(400, 'BAD_REQUEST', 'the body could not be read', { cause }));
      };
      const onClose = (): void => onError(new Error('the connection was closed'));
      request.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose);
    });
  }

  #tooLarge(): Problem {
    const { maxBodyBytes, tooLarge = 'EVENT_TOO_LARGE' } = this.#limits;
    return new Problem(413, tooLarge, `the body is larger than ${maxBodyBytes} bytes`);
  }
}
