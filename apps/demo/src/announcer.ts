import type { ServerResponse } from 'node:http';

const MAX_VIEWERS = 200;
/** Bytes that may wait for a viewer that does not read. */
const MAX_WAITING_BYTES = 256 * 1024;

/**
 * Tells open pages what happens, as server-sent events: beside the gateways, so that a page can count what a client of
 * it misses. It carries who receives which event, never what is in it.
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export class Announcer {
  readonly #viewers = new Set<ServerResponse>();

  /** Adds a viewer, who is told `first` at once; false where there are too many. */
  add(viewer: ServerResponse, first: readonly (readonly [name: string, data: object])[]): boolean {
    if (this.#viewers.size >= MAX_VIEWERS) return false;
    viewer.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    for (const [name, data] of first) viewer.write(message(name, data));
    this.#viewers.add(viewer);
    viewer.on('close', () => this.#viewers.delete(viewer));
    return true;
  }

  announce(name: string, data: object): void {
    const text = message(name, data);
    for (const viewer of this.#viewers) {
      if (viewer.writableLength > MAX_WAITING_BYTES) viewer.destroy();
      else viewer.write(text);
    }
  }
}

function message(name: string, data: object): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
