import { expect, it } from '@jest/globals';
import { createClient, type EventOf, type RejoinClient } from '../src/index.ts';

interface Events {
  'order.paid': { total: number };
  'order.shipped': { carrier: string };
  'notification.sent': { text: string };
}

/** Whether two types are the same, for the compiler: it refuses `true` where they are not. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Never called: `npm run check` compiles it, and each line that must not compile says so. */
function uses(client: RejoinClient<Events>, untyped: RejoinClient): void {
  client.on('order.paid', ({ data, type }) => {
    const total: number = data.total;
    const exact: 'order.paid' = type;
    // @ts-expect-error a payment has no carrier
    void data.carrier;
    return [total, exact];
  });
  client.on('order.*', (event) => {
    // @ts-expect-error it may be a shipment
    void event.data.total;
    return event.type === 'order.paid' ? event.data.total : event.data.carrier;
  });
  client.on('*', ({ type }) => {
    const known: keyof Events = type;
    return known;
  });
  // @ts-expect-error there is no such event
  client.on('order.lost', () => undefined);
  // @ts-expect-error handlers get what the map says
  client.on('order.paid', ({ data }: { data: { total: string } }) => data);
  untyped.on('whatever.happens', ({ data }) => {
    // @ts-expect-error nobody has said what it is
    void data.total;
  });
  client.onGap(({ reason, from, oldest }) => {
    const known:
      | 'window'
      | 'room_limit'
      | 'payload_missing'
      | 'epoch'
      | 'ahead'
      | 'unknown_entry'
      | 'partition'
      | 'unreadable' = reason;
    return [known, from, oldest];
  });
  // @ts-expect-error a URL and a token are required
  createClient<Events>({ url: 'http://localhost' });
}

async function loops(client: RejoinClient<Events>): Promise<number | undefined> {
  for await (const { data } of client.events('order.paid')) return data.total;
  return undefined;
}

const patterns: [
  Same<EventOf<Events, 'order.paid'>['data'], { total: number }>,
  Same<EventOf<Events, 'order.*'>['type'], 'order.paid' | 'order.shipped'>,
  Same<EventOf<Events, '*'>['type'], keyof Events>,
  Same<EventOf<Record<string, unknown>, 'order.*'>['data'], unknown>,
] = [true, true, true, true];

it('types events by the application’s map, patterns included', () => {
  expect([patterns.every(Boolean), typeof uses, typeof loops]).toEqual([true, 'function', 'function']);
});
