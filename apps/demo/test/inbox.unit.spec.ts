import { beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { NoticeEvent } from '../src/page/events.ts';
import { Inbox } from '../src/page/inbox.ts';

const event = (number: number): NoticeEvent => ({
  id: `n-${number}`,
  type: 'notification.paid',
  time: new Date(1_700_000_000_000 + number).toISOString(),
  data: { userId: 'anna', text: `text ${number}` },
});
const page = (...items: [number, boolean][]) => ({
  items: items.map(([number, read]) => ({ event: event(number), read })),
  unread: 0,
});

let inbox: Inbox;
beforeEach(() => {
  inbox = new Inbox();
});

describe('the notifications of a device', () => {
  test('are the newest first, and unread until an event says that they were read', () => {
    for (const number of [1, 2, 3]) inbox.receive(event(number));
    inbox.markRead(['n-2', 'n-unknown']);
    expect(inbox.newest.map(({ id, read }) => [id, read])).toEqual([
      ['n-3', false],
      ['n-2', true],
      ['n-1', false],
    ]);
    expect(inbox.unread.map(({ id }) => id)).toEqual(['n-3', 'n-1']);
  });

  test('are the same in whatever order the list and the events come, and however often', () => {
    const acts = [
      (target: Inbox) => target.load(page([1, true], [2, false])),
      (target: Inbox) => target.receive(event(2)),
      (target: Inbox) => target.receive(event(3)),
      (target: Inbox) => target.markRead(['n-3']),
    ];
    fc.assert(
      fc.property(fc.shuffledSubarray([0, 1, 2, 3, 0, 1, 2, 3], { minLength: 8 }), (order) => {
        const device = new Inbox();
        for (const index of order) acts[index]?.(device);
        expect(device.newest.map(({ id }) => id)).toEqual(['n-3', 'n-2', 'n-1']);
        expect(device.unread.map(({ id }) => id)).toEqual(['n-2']);
      }),
    );
  });

  test('stay bounded', () => {
    for (let number = 0; number < 250; number++) inbox.receive(event(number));
    expect(inbox.newest).toHaveLength(200);
    expect(inbox.newest.at(-1)?.id).toBe('n-50');
  });
});
