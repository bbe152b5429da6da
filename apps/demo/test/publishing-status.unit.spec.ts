import { beforeEach, describe, expect, test } from '@jest/globals';
import { PublishingStatus, type Status } from '../src/orders/publishing-status.ts';

let said: Status[];
let status: PublishingStatus;
beforeEach(() => {
  said = [];
  status = new PublishingStatus((now) => said.push(now));
});

const failure = (code: string) => ({ name: 'order.paid', error: Object.assign(new Error('no'), { code }) });

describe('the status of publishing', () => {
  test('says each change once: an outage, and its end', () => {
    status.onAppended({ events: 1 });
    status.onConnectionError();
    status.onConnectionError();
    status.onAppended({ events: 1 });
    status.onAppended({ events: 1 });
    expect(said).toEqual([{ problem: null }, { problem: 'Redis is away' }, { problem: null }]);
  });

  test('knows how many events are not published yet', () => {
    for (let event = 0; event < 3; event++) status.onEmitted();
    status.onAppended({ events: 1 });
    status.onPublishFailed(failure('BACKLOG_FULL'));
    expect([status.waiting, status.problem]).toEqual([1, 'too many events wait for the workers']);
    status.onPublishFailed(failure('EVENT_TOO_LARGE'));
    status.onAppended({ events: 5 });
    expect(status.waiting).toBe(0);
  });
});
