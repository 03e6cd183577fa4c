export { analyze } from './analysis.js';
export { jaegerCriticalPath, type JaegerSection } from './jaeger.compat.js';
export type { PathReport, PerformanceReport, StageReport } from './report.model.js';
export { formatReport } from './report.text.js';
export type { Span, SpanKind, Trace } from './trace.model.js';
export { parseTrace, parseTraceText } from './trace.parser.js';
