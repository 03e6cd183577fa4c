import {
  aggregate,
  analyze,
  formatAggregate,
  formatReport,
  jaegerCriticalPath,
  stageRows,
  type Trace,
} from '@clipmesh/trace-analysis';
import { type AnalyzeArguments } from './analyze.arguments.js';

/** What `analyze` prints: one trace's report, several traces' figures, or Jaeger's critical path. */
export function outputOf(traces: readonly Trace[], { json, compat, source }: AnalyzeArguments): string {
  const [first] = traces;
  if (first === undefined) throw new Error('There is no trace to analyze.');
  const single = traces.length === 1 && source.kind !== 'jaeger-service';
  if (compat) {
    const paths = traces.map((trace) => ({ traceId: trace.traceId, criticalPath: jaegerCriticalPath(trace) }));
    return json ? print(single ? paths[0] : paths) : traces.map(compatText).join('\n\n');
  }
  if (!single) {
    const report = aggregate(traces);
    return json ? print(report) : formatAggregate(report);
  }
  const report = analyze(first);
  return json ? print(report) : formatReport(report, stageRows(first));
}

const print = (value: unknown): string => JSON.stringify(value, null, 2);

function compatText(trace: Trace): string {
  const spans = new Map(trace.spans.map((span) => [span.id, span]));
  const origin = trace.originUs ?? 0;
  const ms = (us: number): string => ((us - origin) / 1000).toFixed(3).padStart(12);
  return [
    `Trace ${trace.traceId}: the critical path as Jaeger defines it, ms`,
    ...jaegerCriticalPath(trace).map(({ spanId, sectionStart, sectionEnd }) => {
      const span = spans.get(spanId);
      return `${ms(sectionStart)} ${ms(sectionEnd)}  ${span?.service ?? ''} ${span?.name ?? spanId}`;
    }),
  ].join('\n');
}
