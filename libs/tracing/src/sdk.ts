import { hostname } from 'node:os';
import { withTimeout } from '@clipmesh/contracts';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { OwnTracePropagator } from './propagator.js';
import { StreamSpanExporter, type SpanSink } from './span.exporter.js';

/** Maximum delay between the end of a span and its export, ms. */
const EXPORT_DELAY_MS = 200;
/** Timeout for exporting the last spans at shutdown, ms. */
const SHUTDOWN_MS = 3000;
/** The address of a provider's report ends with a secret. */
const REPORT_PATH = /^(\/v1\/webhooks\/(?:fal|cog)\/[^/?]*\/)[^?]+/i;
const QUIET_PATHS = new Set(['/healthz', '/readyz', '/metrics']);

export interface TracingOptions {
  readonly service: string;
  readonly instance: string;
  /** OTLP/HTTP collector that also receives the spans. */
  readonly otlpEndpoint?: string;
}

const exporter = new StreamSpanExporter();
let sdk: NodeSDK | undefined;
let processors: BatchSpanProcessor[] = [];

/** Starts the SDK. Later calls do nothing. */
export function startTracing({ service, instance, otlpEndpoint }: TracingOptions): void {
  if (sdk !== undefined) return;
  processors = [new BatchSpanProcessor(exporter, { scheduledDelayMillis: EXPORT_DELAY_MS })];
  if (otlpEndpoint !== undefined) {
    processors.push(
      new BatchSpanProcessor(new OTLPTraceExporter({ url: `${otlpEndpoint.replace(/\/$/, '')}/v1/traces` }), {
        scheduledDelayMillis: EXPORT_DELAY_MS,
      }),
    );
  }
  sdk = new NodeSDK({
    autoDetectResources: false,
    resource: resourceFromAttributes({
      'service.name': service,
      'service.namespace': 'clipmesh',
      'service.instance.id': instance,
      'host.name': hostname(),
    }),
    spanProcessors: processors,
    textMapPropagator: new OwnTracePropagator(),
    metricReaders: [],
    logRecordProcessors: [],
    instrumentations: [
      new HttpInstrumentation({
        ignoreIncomingRequestHook: (request) => QUIET_PATHS.has((request.url ?? '').split('?')[0] ?? ''),
        startIncomingSpanHook: ({ url = '' }) => {
          const [, start] = REPORT_PATH.exec(url) ?? [];
          return start === undefined ? {} : { 'url.path': `${start}[redacted]` };
        },
        requireParentforOutgoingSpans: true,
      }),
    ],
  });
  sdk.start();
}

/** Sends all further spans to the sink, after the buffered ones. */
export function attachSpanSink(sink: SpanSink): void {
  exporter.attach(sink);
}

/** Exports all ended spans. Never rejects. Timeout: 3 s. */
export async function flushSpans(): Promise<void> {
  await exported(() => Promise.all(processors.map((processor) => processor.forceFlush())));
}

/** Stops tracing. Never rejects. Timeout: 3 s. */
export async function shutdownTracing(): Promise<void> {
  await exported(() => sdk?.shutdown() ?? Promise.resolve());
}

/** Waits for an export, but not for its success: a lost span must not stop a service. */
async function exported(work: () => Promise<unknown>): Promise<void> {
  await withTimeout(SHUTDOWN_MS, work).catch(() => undefined);
}
