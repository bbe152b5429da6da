import { setTimeout as delay } from 'node:timers/promises';
import { monotonicMs } from '../clock.ts';
import { BenchClient } from './bench-client.ts';
import type { ClientCalls, Delivery, ReceiveRequest, Reception } from './client-calls.ts';
import { servePeer } from './serve-peer.ts';

const CONNECT_TIMEOUT_MS = 20_000;
const HOPELESS_CHECK_MS = 250;

let clients: BenchClient[] = [];
let urls: readonly string[] = [];
let onProgress: (() => void) | undefined;

const calls: ClientCalls = {
  async connect(request) {
    urls = request.urls;
    clients = request.clients.map(
      ({ token }, index) =>
        new BenchClient({
          url: urls[index % urls.length] as string,
          token,
          readyEvent: request.readyEvent,
          onProgress: () => onProgress?.(),
        }),
    );
    if (!(await until(() => clients.every(({ ready }) => ready), CONNECT_TIMEOUT_MS))) {
      throw new Error(`not all clients were connected within ${CONNECT_TIMEOUT_MS / 1000} s`);
    }
  },

  receive,

  async cut() {
    await Promise.all(clients.map((client) => client.cut({ comeBack: false })));
  },

  comeBack(request) {
    for (const client of clients) client.comeBack();
    return receive(request);
  },

  async hop({ times, minPauseMs, maxPauseMs }) {
    const client = clients[0] as BenchClient;
    for (let hop = 1; hop <= times; hop++) {
      await delay(minPauseMs + Math.random() * (maxPauseMs - minPauseMs));
      client.moveTo(urls[hop % urls.length] as string);
      await client.cut({ comeBack: true });
      if (!(await until(() => client.ready, CONNECT_TIMEOUT_MS))) throw new Error('the client did not come back');
    }
  },

  takeLatencies: () => clients.flatMap((client) => client.takeLatencies()),
};

async function receive({ expected, timeoutMs, quietMs }: ReceiveRequest): Promise<Reception> {
  const startedAtMs = monotonicMs();
  let lastProgressAtMs = startedAtMs;
  let first = 0;
  const complete = await until(
    () => {
      lastProgressAtMs = monotonicMs();
      for (; first < clients.length; first++) {
        const client = clients[first] as BenchClient;
        if (!client.ready || client.distinct < (expected[first] as number)) return false;
      }
      return true;
    },
    timeoutMs,
    () => quietMs !== undefined && monotonicMs() - lastProgressAtMs > quietMs && clients.every(({ ready }) => ready),
  );
  return {
    delivery: deliveryOf(expected),
    complete,
    lastReceivedAtMs: Math.max(...clients.map(({ lastReceivedAtMs }) => lastReceivedAtMs)),
    elapsedMs: lastProgressAtMs - startedAtMs,
  };
}

function deliveryOf(expected: readonly number[]): Delivery {
  const total = {
    received: 0,
    lost: 0,
    doubled: 0,
    misordered: 0,
    recoveries: 0,
    failedRecoveries: 0,
    reportedGaps: 0,
  };
  for (const [index, { tally }] of clients.entries()) {
    total.received += tally.received;
    total.lost += (expected[index] as number) - tally.received;
    total.doubled += tally.doubled;
    total.misordered += tally.misordered;
    total.recoveries += tally.recoveries;
    total.failedRecoveries += tally.failedRecoveries;
    total.reportedGaps += tally.reportedGaps;
  }
  return total;
}

/** Checks a condition now and after each event; says whether it came true in time, and before `hopeless` was. */
async function until(condition: () => boolean, timeoutMs: number, hopeless = () => false): Promise<boolean> {
  if (condition()) return true;
  const timers: NodeJS.Timeout[] = [];
  const came = await new Promise<boolean>((resolve) => {
    timers.push(
      setTimeout(() => resolve(false), timeoutMs),
      setInterval(() => {
        if (hopeless()) resolve(false);
      }, HOPELESS_CHECK_MS),
    );
    onProgress = () => {
      if (condition()) resolve(true);
    };
  });
  for (const timer of timers) clearTimeout(timer);
  onProgress = undefined;
  return came;
}

servePeer(calls);
