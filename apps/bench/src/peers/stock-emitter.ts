import { createServer } from 'node:http';
import { Server } from 'socket.io';
import { EVERYBODY, Producer } from './producer.ts';
import { required, servePeer } from './serve-peer.ts';
import { stockAdapter } from './stock-adapter.ts';
import { tenantRoom, userRoom } from './stock-rooms.ts';

// How a service publishes with the stock stack: a member of the cluster that nobody connects to.
const tenant = required('TENANT');
const { adapter, client } = stockAdapter(required('REDIS_URL'));
const io = new Server(createServer(), { adapter });
await client.ping();

servePeer(
  new Producer({
    publish(user, event) {
      io.to(user === EVERYBODY ? tenantRoom(tenant) : userRoom(tenant, user)).emit(event.type, event);
    },
    async flush() {
      // Commands of one connection are answered in their order.
      await client.ping();
    },
  }),
);
