export * from './attributes.js';
export { type Host, idleMs, thisHost } from './host.js';
export * from './logger.js';
export { replicaId } from './replica.id.js';
export { attachSpanSink, flushSpans, shutdownTracing, startTracing, type TracingOptions } from './sdk.js';
export { type SpanSink } from './span.exporter.js';
export * from './spans.js';
