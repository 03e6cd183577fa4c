export { analyze, formatReport, type PerformanceReport, type StageReport } from './analysis.js';
export type { Span, SpanKind, Trace } from './trace.model.js';
export { parseTrace } from './trace.parser.js';
