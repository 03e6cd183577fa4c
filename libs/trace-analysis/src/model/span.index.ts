import { ATTR } from '@clipmesh/tracing';
import { type Span, type Trace } from '../parse/trace.model.js';

/** Some SDKs record starts in whole milliseconds and ends more precisely, so a span may seem to end after its successor's start. */
const CLOCK_STEP_US = 1000;

/** The spans of a trace with their tree. Cycles of parents are broken. */
export interface SpanIndex {
  readonly trace: Trace;
  /** End of the last span, us. */
  readonly makespanUs: number;
  /** Tolerance when comparing times, us: 1 ms, less in a very short trace. */
  readonly clockStepUs: number;
  readonly byId: ReadonlyMap<string, Span>;
  readonly parentOf: (span: Span) => Span | undefined;
  /** The stage of the span's self time; see {@link indexSpans}. */
  readonly stageOf: (span: Span) => string | undefined;
  /** Whether the parent waits for it: it is inside the parent and did not come over the broker. */
  readonly blocks: (span: Span) => boolean;
  /** The spans with parents before their children. */
  readonly topDown: readonly Span[];
}

/**
 * Indexes the spans. A span without its own stage inherits its parent's. A consumer does not inherit, because another actor's turn is not
 * its sender's work. A producer always has its parent's stage. If no span has a stage (a trace of other software), the service is the
 * stage.
 */
export function indexSpans(trace: Trace): SpanIndex {
  const byId = new Map(trace.spans.map((span) => [span.id, span]));
  const topDown = orderTopDown(trace.spans, byId);
  const parents = new Map<Span, Span | undefined>();
  for (const span of topDown) {
    const parent = span.parentId === undefined ? undefined : byId.get(span.parentId);
    // The first span of a cycle has no known parent yet, so it becomes a root.
    parents.set(span, parent !== undefined && parents.has(parent) ? parent : undefined);
  }
  const parentOf = (span: Span): Span | undefined => parents.get(span);
  const staged = trace.spans.some((span) => typeof span.attributes[ATTR.stage] === 'string');
  const stages = new Map<Span, string | undefined>();
  for (const span of topDown) {
    const own = span.attributes[ATTR.stage];
    const parent = parentOf(span);
    if (span.kind === 'producer' && parent !== undefined) stages.set(span, stages.get(parent));
    else if (!staged) stages.set(span, span.service);
    else if (typeof own === 'string') stages.set(span, own);
    else stages.set(span, parent === undefined || span.kind === 'consumer' ? undefined : stages.get(parent));
  }
  const makespanUs = trace.spans.reduce((max, { endUs }) => Math.max(max, endUs), 0);
  const clockStepUs = Math.min(CLOCK_STEP_US, Math.floor(makespanUs / 1000));
  return {
    trace,
    makespanUs,
    clockStepUs,
    byId,
    parentOf,
    stageOf: (span) => stages.get(span),
    blocks: (span) => {
      const parent = parentOf(span);
      if (parent === undefined || span.kind === 'consumer') return false;
      // Starts and durations come from different clocks, and starts are in whole milliseconds, so a child may seem to start after its
      // parent's end. For a producer only its start counts.
      const latestUs = parent.endUs + clockStepUs;
      if (span.kind === 'producer') return span.startUs <= latestUs + clockStepUs && span.endUs >= parent.startUs;
      return span.startUs <= latestUs && span.endUs >= parent.startUs && span.endUs <= latestUs;
    },
    topDown,
  };
}

function orderTopDown(spans: readonly Span[], byId: ReadonlyMap<string, Span>): Span[] {
  const done = new Set<string>();
  const order: Span[] = [];
  for (const span of spans) {
    const chain: Span[] = [];
    const onChain = new Set<string>();
    for (
      let at: Span | undefined = byId.get(span.id);
      at !== undefined && !done.has(at.id) && !onChain.has(at.id);
      at = at.parentId === undefined ? undefined : byId.get(at.parentId)
    ) {
      chain.push(at);
      onChain.add(at.id);
    }
    for (const one of chain.reverse()) {
      done.add(one.id);
      order.push(one);
    }
  }
  return order;
}

/** The attribute as a finite number. */
export function numberOf(span: Span, key: string): number | undefined {
  const value = span.attributes[key];
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/** The attribute as a non-empty text. */
export function textOf(span: Span, key: string): string | undefined {
  const value = span.attributes[key];
  return typeof value === 'string' && value !== '' ? value : undefined;
}
