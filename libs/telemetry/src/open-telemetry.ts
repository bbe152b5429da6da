import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { type Attributes, DiagLogLevel, diag, type Link, SpanKind, TraceFlags } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { SpanBudget } from './span-budget.ts';
import type { Traced, Tracing, TracingOptions } from './span-source.ts';

/** Links that a span may have; the SDK drops what is more. */
const MAX_LINKS = 128;
/** Delivery spans of one gateway in a second: ten thousand events a second would be as many spans from every gateway. */
const DELIVERIES_PER_SECOND = 10;
/** How long a process that stops waits for a collector, in milliseconds. */
const STOP_MS = 2_000;
const GROUP = 'bridge';

/**
 * Spans by the conventions for messaging. Each is a trace of its own that links to the events' own spans, for one append or
 * fan-out handles events of many traces.
 * @see https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/
 */
export function exportSpans({ app, prefix, onError }: TracingOptions): Tracing {
  diag.setLogger(
    {
      error: (message) => onError(new Error(message)),
      warn: () => {},
      info: () => {},
      debug: () => {},
      verbose: () => {},
    },
    { logLevel: DiagLogLevel.ERROR, suppressOverrideMessage: true },
  );
  const provider = new BasicTracerProvider({
    // What the environment says of the service is stronger.
    resource: defaultResource()
      .merge(
        resourceFromAttributes({
          'service.name': `rejoin-${app}`,
          'service.instance.id': `${hostname()}.${process.pid}`,
        }),
      )
      .merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
  });
  const tracer = provider.getTracer('rejoin');
  const deliveries = new SpanBudget(DELIVERIES_PER_SECOND);
  let stopping: Promise<void> | undefined;

  const record = (
    operation: string,
    stream: 'events' | 'feed',
    kind: SpanKind,
    about: { readonly partition: number; readonly messages: number; readonly traces: readonly Traced[] },
    startTime: number,
    attributes: Attributes = {},
  ): void => {
    const destination = `{${prefix}:${about.partition}}:${stream}`;
    const [only] = about.traces;
    const span = tracer.startSpan(`${operation} ${destination}`, {
      kind,
      startTime,
      links: about.traces.slice(0, MAX_LINKS).flatMap(linkTo),
      attributes: {
        'messaging.system': 'redis',
        'messaging.operation.name': operation,
        'messaging.operation.type': operation === 'send' ? 'send' : 'process',
        'messaging.destination.name': destination,
        'messaging.destination.partition.id': String(about.partition),
        'messaging.batch.message_count': about.messages,
        ...(about.messages === 1 && only ? { 'messaging.message.id': only.entryId } : {}),
        ...attributes,
      },
    });
    span.end();
  };

  return {
    onAppended({ partition, events, duplicates, durationMs, traces }) {
      if (traces.length === 0) return;
      record('send', 'events', SpanKind.PRODUCER, { partition, messages: events, traces }, Date.now() - durationMs, {
        'rejoin.duplicates': duplicates,
      });
    },
    onFannedOut({ partition, entries, startedAtMs, traces }) {
      if (traces.length === 0) return;
      record('fan out', 'events', SpanKind.CONSUMER, { partition, messages: entries, traces }, startedAtMs, {
        'messaging.consumer.group.name': GROUP,
      });
    },
    onTraced({ partition, traceparent, entryId, connections, startedAtMs }) {
      if (!deliveries.take()) return;
      const traces = [{ traceparent, entryId }];
      record('deliver', 'feed', SpanKind.CONSUMER, { partition, messages: 1, traces }, startedAtMs, {
        'rejoin.connections': connections,
      });
    },
    stop() {
      stopping ??= Promise.race([provider.shutdown(), delay(STOP_MS, undefined, { ref: false })]).catch(onError);
      return stopping;
    },
  };
}

function linkTo({ traceparent, entryId }: Traced): Link[] {
  const [, traceId, spanId] = traceparent.split('-');
  if (traceId === undefined || spanId === undefined) return [];
  const context = { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true };
  return [{ context, attributes: { 'messaging.message.id': entryId } }];
}
