import {
  aggregate,
  analyze,
  formatAggregate,
  formatReport,
  jaegerCriticalPath,
  stageRows,
  type Trace,
} from '@clipmesh/trace-analysis';
import { type AnalyzeArguments } from '../arguments/analyze.arguments.js';

/** What `analyze` prints: one trace's report, several traces' figures, or Jaeger's critical path. */
export function outputOf(traces: readonly Trace[], { json, compat, source }: AnalyzeArguments): string {
  const [first] = traces;
  if (first === undefined) throw new Error('There is no trace to analyze.');
  const single = traces.length === 1 && source.kind !== 'jaeger-service';
  if (compat) {
    if (!json) return traces.map(compatText).join('\n\n');
    const reports = traces.map((trace) => ({ ...analyze(trace), criticalPath: compatPath(trace) }));
    return print(single ? reports[0] : reports);
  }
  if (!single) {
    const report = aggregate(traces);
    return json ? print(report) : formatAggregate(report);
  }
  const report = analyze(first);
  return json ? print(report) : formatReport(report, stageRows(first));
}

const print = (value: unknown): string => JSON.stringify(value, null, 2);

/** Jaeger's sections, newest first as it has them, with the fields of our own path beside its own. */
function compatPath(trace: Trace): object[] {
  const spans = new Map(trace.spans.map((span) => [span.id, span]));
  const origin = trace.originUs ?? 0;
  return jaegerCriticalPath(trace).map(({ spanId, sectionStart, sectionEnd }) => ({
    spanId,
    service: spans.get(spanId)?.service,
    name: spans.get(spanId)?.name,
    startUs: sectionStart - origin,
    endUs: sectionEnd - origin,
    kind: 'work',
    sectionStart,
    sectionEnd,
  }));
}

function compatText(trace: Trace): string {
  const spans = new Map(trace.spans.map((span) => [span.id, span]));
  const origin = trace.originUs ?? 0;
  const ms = (us: number): string => ((us - origin) / 1000).toFixed(3).padStart(12);
  return [
    `Trace ${trace.traceId}: the critical path as Jaeger defines it, ms`,
    ...(trace.warnings ?? []).map((warning) => `Warning: ${warning}`),
    ...jaegerCriticalPath(trace).map(({ spanId, sectionStart, sectionEnd }) => {
      const span = spans.get(spanId);
      return `${ms(sectionStart)} ${ms(sectionEnd)}  ${span?.service ?? ''} ${span?.name ?? spanId}`;
    }),
  ].join('\n');
}
