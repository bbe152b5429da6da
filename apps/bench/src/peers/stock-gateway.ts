import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import jsonwebtoken from 'jsonwebtoken';
import { Server } from 'socket.io';
import { required, servePeer } from './serve-peer.ts';
import { stockAdapter } from './stock-adapter.ts';
import { tenantRoom, userRoom } from './stock-rooms.ts';

// A gateway as the documentation of Socket.IO shows it: streams adapter, connection state recovery, a token checked in a
// middleware, rooms joined on connection.
const secret = required('JWT_SECRET');
const { adapter } = stockAdapter(required('REDIS_URL'));
const http = createServer();
const io = new Server(http, { adapter, connectionStateRecovery: {} });

interface Claims {
  readonly sub: string;
  readonly tenant_id: string;
}

io.use((socket, next) => {
  try {
    const token: unknown = socket.handshake.auth.token;
    const claims = jsonwebtoken.verify(String(token), secret, { algorithms: ['HS256'] }) as unknown as Claims;
    socket.data = { tenant: claims.tenant_id, user: claims.sub };
    next();
  } catch (error) {
    next(error as Error);
  }
});
io.on('connection', (socket) => {
  if (socket.recovered) return;
  const { tenant, user } = socket.data as { tenant: string; user: string };
  void socket.join([tenantRoom(tenant), userRoom(tenant, user)]);
});

await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
servePeer({}, `http://127.0.0.1:${(http.address() as AddressInfo).port}`);
