import { ATTR } from '@clipmesh/tracing';
import { type Attributes, SpanKind, trace } from '@opentelemetry/api';
import { type PredictionState } from './ports.js';

export interface Stretch {
  readonly name: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Attributes;
}

/** A finished prediction as queue, run and poll lag. Times of the provider's clock are clamped to `sinceMs`..`noticedMs`. */
export function stretchesOf(state: PredictionState, sinceMs: number, noticedMs: number): Stretch[] {
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

/** Back-dated children of the active span. */
export function recordStretches(state: PredictionState, sinceMs: number, noticedMs: number): void {
  const tracer = trace.getTracer('clipmesh.providers');
  for (const { name, startMs, endMs, attributes } of stretchesOf(state, sinceMs, noticedMs)) {
    tracer
      .startSpan(name, {
        kind: SpanKind.INTERNAL,
        startTime: startMs,
        attributes: { ...attributes, [ATTR.predictionId]: state.id },
      })
      .end(endMs);
  }
}
