import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Publisher } from '@rejoin/publisher';
import { type ChildApp, eventually } from '@rejoin/testing';
import { Page } from './page.ts';
import { System } from './system.ts';

jest.setTimeout(120_000);

const PATIENT = { timeoutMs: 60_000 };

let system: System;
let publisher: Publisher;
const pages: Page[] = [];
beforeAll(async () => {
  system = await System.start({ gateways: 3 });
  publisher = system.publisher();
});
afterEach(() => {
  for (const page of pages.splice(0)) page.close();
});
afterAll(() => system.stop());

function open(): Page {
  const page = new Page(system, publisher);
  pages.push(page);
  return page;
}

/** Everything that was published came, in order, each once. */
const expectAll = async (page: Page): Promise<void> => {
  await eventually(() => expect(page.handed.at(-1)).toBe(page.published), PATIENT);
  expect(page.handed).toEqual(Array.from({ length: page.published }, (_, i) => i + 1));
  expect(page.problems).toEqual([]);
};

describe('@rejoin/client on gateways that are processes of their own', () => {
  it('goes on at another gateway when its own is killed, and after a reload on a third', async () => {
    const doomed = system.gateways[0] as ChildApp;
    const page = open();
    await page.client.ready();
    await page.publish(3);
    await expectAll(page);
    await system.kill(doomed);
    await page.publish(3);
    await expectAll(page);
    page.client.close();
    await page.publish(3);
    page.load({ url: (system.gateways[1] as ChildApp).url });
    await expectAll(page);
    expect(page.replays).toEqual(['none', 'complete', 'complete']);
  });

  it('catches up on ten thousand events on another gateway, although the replay is broken off again and again', async () => {
    const page = open();
    await page.client.ready();
    await page.publish(1);
    await expectAll(page);
    page.client.disconnect();
    await page.publish(9_999);
    for (const breakAt of [500, 4_000, 7_000]) {
      page.client.connect();
      await eventually(() => page.handed.length >= breakAt, { ...PATIENT, intervalMs: 1 });
      page.client.disconnect();
    }
    page.client.connect();
    await expectAll(page);
    expect(page.replays.filter((status) => status !== 'complete')).toEqual(['none']);
  });
});
