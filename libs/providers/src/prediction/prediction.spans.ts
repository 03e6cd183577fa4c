import { ATTR } from '@clipmesh/tracing';
import { type Attributes, SpanKind, trace } from '@opentelemetry/api';
import { type PredictionState } from '../ports.js';

export interface Phase {
  readonly name: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Attributes;
}

/** Splits a finished prediction into queue, run and poll lag. Clamps the provider's times to `sinceMs`..`noticedMs`. */
export function phasesOf(state: PredictionState, sinceMs: number, noticedMs: number): Phase[] {
  const at = (time: string | undefined): number | undefined => {
    const ms = time === undefined ? Number.NaN : Date.parse(time);
    return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, sinceMs), noticedMs);
  };
  const created = at(state.createdAt);
  const completed = at(state.completedAt);
  const started = at(state.startedAt);
  const parts: [string, number | undefined, number | undefined, Attributes][] = [
    ['provider queue', created, started ?? completed, { [ATTR.waitClass]: 'provider_queue' }],
    ['provider run', started, completed, { [ATTR.stage]: 'clip' }],
    ['poll lag', completed, noticedMs, { [ATTR.waitClass]: 'poll_lag' }],
  ];
  return parts.flatMap(([name, startMs, endMs, attributes]) =>
    startMs === undefined || endMs === undefined || endMs < startMs ? [] : [{ name, startMs, endMs, attributes }],
  );
}

/** Records the phases as back-dated child spans of the active span. */
export function recordPhases(state: PredictionState, sinceMs: number, noticedMs: number): void {
  const tracer = trace.getTracer('clipmesh.providers');
  for (const { name, startMs, endMs, attributes } of phasesOf(state, sinceMs, noticedMs)) {
    tracer
      .startSpan(name, {
        kind: SpanKind.INTERNAL,
        startTime: startMs,
        attributes: { ...attributes, [ATTR.predictionId]: state.id },
      })
      .end(endMs);
  }
}
