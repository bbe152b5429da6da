import { createPublisher } from '@rejoin/publisher';
import { EVERYBODY, Producer } from './producer.ts';
import { required, servePeer } from './serve-peer.ts';

const tenantid = required('TENANT');
const publisher = createPublisher({
  redis: required('REDIS_URL'),
  prefix: required('REJOIN_PREFIX'),
  onConnectionError: (error) => process.stderr.write(`producer: ${error.message}\n`),
});
await publisher.open();

let pending: Promise<unknown>[] = [];
let failure: Error | undefined;
servePeer(
  new Producer({
    publish(user, { id, type, time, data }) {
      const accepted = publisher
        .publish({
          id,
          source: '/bench',
          type,
          time,
          tenantid,
          audience: user === EVERYBODY ? 'tenant' : `user:${user}`,
          data,
        })
        .catch((error: unknown) => {
          failure ??= error as Error;
        });
      pending.push(accepted);
    },
    async flush() {
      await Promise.all(pending);
      pending = [];
      if (failure) throw failure;
    },
  }),
);
