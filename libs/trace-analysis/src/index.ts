export { analyze, formatReport, type PerformanceReport, type StageReport } from './analysis.js';
export { jaegerCriticalPath, type JaegerSection } from './jaeger.compat.js';
export type { Span, SpanKind, Trace } from './trace.model.js';
export { parseTrace, parseTraceText } from './trace.parser.js';
