import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { eventually, tokenFor } from '@rejoin/testing';
import { System } from './system.ts';

jest.setTimeout(120_000);

type Value = { readonly stringValue?: string; readonly intValue?: number | string };
type KeyValues = readonly { readonly key: string; readonly value: Value }[];
interface Span {
  readonly name: string;
  readonly kind: number;
  readonly service: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly links: readonly {
    readonly traceId: string;
    readonly spanId: string;
    readonly attributes: Readonly<Record<string, string>>;
  }[];
  readonly startMs: number;
  readonly endMs: number;
}

const valuesOf = (pairs: KeyValues): Record<string, string> =>
  Object.fromEntries(pairs.map(({ key, value }) => [key, String(value.stringValue ?? value.intValue)]));

/** A collector that keeps what it is sent, in the JSON form of the OpenTelemetry protocol. */
class Collector {
  readonly spans: Span[] = [];
  readonly paths = new Set<string>();
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      let body = '';
      this.paths.add(request.url ?? '');
      request.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
      });
      request.on('end', () => {
        this.#keep(body);
        response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
      });
    });
  }

  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #keep(body: string): void {
    const { resourceSpans } = JSON.parse(body) as {
      resourceSpans: {
        resource: { attributes: KeyValues };
        scopeSpans: {
          spans: {
            name: string;
            kind: number;
            attributes: KeyValues;
            links?: { traceId: string; spanId: string; attributes: KeyValues }[];
            startTimeUnixNano: string;
            endTimeUnixNano: string;
          }[];
        }[];
      }[];
    };
    for (const { resource, scopeSpans } of resourceSpans) {
      const service = valuesOf(resource.attributes)['service.name'] ?? '';
      for (const span of scopeSpans.flatMap(({ spans }) => spans)) {
        this.spans.push({
          name: span.name,
          kind: span.kind,
          service,
          attributes: valuesOf(span.attributes),
          links: (span.links ?? []).map((link) => ({ ...link, attributes: valuesOf(link.attributes) })),
          startMs: Number(BigInt(span.startTimeUnixNano) / 1_000_000n),
          endMs: Number(BigInt(span.endTimeUnixNano) / 1_000_000n),
        });
      }
    }
  }
}

const TENANT = 'traced';
const TRACE = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };
const PRODUCER = 4;
const CONSUMER = 5;

const collector = new Collector();
let system: System;
beforeAll(async () => {
  const endpoint = await collector.start();
  system = await System.start({
    gateways: 1,
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_BSP_SCHEDULE_DELAY: '50' },
  });
});
afterAll(async () => {
  await system?.stop();
  await collector.stop();
});

describe('the spans of an event whose trace is recorded', () => {
  it('link to the span of its producer: of the append, of the fan-out, and of the delivery', async () => {
    const ops = await system.startApp('ops');
    const clients = ['u-1', 'u-2'].map((user) => system.connect({ tenant: TENANT, user }));
    await Promise.all(clients.map((client) => client.ready()));
    const publish = async (id: string, traceparent?: string): Promise<void> => {
      const event = {
        specversion: '1.0',
        source: '/t',
        type: 'order.paid',
        tenantid: TENANT,
        audience: 'tenant',
        data: { secret: 'x-y-z' },
      };
      const response = await fetch(`${ops.url}/v1/events`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${tokenFor({ tenant: TENANT, sub: 's', scope: 'events:publish' })}`,
          'content-type': 'application/json',
        },
        body: JSON.stringify({ ...event, id, ...(traceparent ? { traceparent } : {}) }),
      });
      expect(response.status).toBe(202);
    };
    await publish('untraced');
    await publish('not-recorded', `00-${TRACE.traceId}-${TRACE.spanId}-00`);
    await publish('traced', `00-${TRACE.traceId}-${TRACE.spanId}-01`);
    const ids = ['untraced', 'not-recorded', 'traced'];
    await Promise.all(clients.map((client) => client.delivered(ids)));
    await eventually(() => expect(collector.spans.length).toBe(3), { timeoutMs: 20_000 });

    const { partition, events, feed } = system.keysOf(TENANT);
    expect(collector.spans.map(({ service, name }) => `${service} ${name}`).sort()).toEqual([
      `rejoin-gateway deliver ${feed}`,
      `rejoin-ops send ${events}`,
      `rejoin-worker fan out ${events}`,
    ]);
    const sent = collector.spans.find(({ service }) => service === 'rejoin-ops');
    const entryId = sent?.links[0]?.attributes['messaging.message.id'];
    expect(entryId).toMatch(/^\d+-\d+$/);
    const expected = (service: string, name: string, kind: number, attributes: object) =>
      expect.objectContaining({
        service,
        name,
        kind,
        links: [expect.objectContaining({ ...TRACE, attributes: { 'messaging.message.id': entryId } })],
        attributes: expect.objectContaining({
          'messaging.system': 'redis',
          'messaging.destination.partition.id': String(partition),
          ...attributes,
        }),
      });
    expect(collector.spans).toEqual(
      expect.arrayContaining([
        expected('rejoin-ops', `send ${events}`, PRODUCER, { 'messaging.operation.type': 'send' }),
        // A batch of more than one has no message ID of its own; its link has.
        expected('rejoin-worker', `fan out ${events}`, CONSUMER, { 'messaging.consumer.group.name': 'bridge' }),
        expected('rejoin-gateway', `deliver ${feed}`, CONSUMER, {
          'messaging.message.id': entryId,
          'rejoin.connections': '2',
        }),
      ]),
    );
    for (const { startMs, endMs } of collector.spans) {
      expect(endMs).toBeGreaterThanOrEqual(startMs);
      expect(Math.abs(Date.now() - endMs)).toBeLessThan(60_000);
    }
    expect([...collector.paths]).toEqual(['/v1/traces']);
    expect(JSON.stringify(collector.spans)).not.toContain('x-y-z');
  });
});
