import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import { type BenchEvent, type Outlet, Producer } from './producer.ts';
import { servePeer } from './serve-peer.ts';

// The least that a broadcast can be: each event is written as JSON once, and sent to every WebSocket. No tenants, no rooms, no
// resume, no other process.
const http = createServer();
const server = new WebSocketServer({ server: http, perMessageDeflate: false });
const outlet: Outlet = {
  publish(_user: string, event: BenchEvent) {
    const message = Buffer.from(JSON.stringify(event));
    for (const client of server.clients) client.send(message, { binary: false });
  },
  flush: () => Promise.resolve(),
};

await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
servePeer(new Producer(outlet), `http://127.0.0.1:${(http.address() as AddressInfo).port}`);
