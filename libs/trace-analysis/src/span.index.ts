import { ATTR } from '@clipmesh/tracing';
import { type Span, type Trace } from './trace.model.js';

/** Some SDKs stamp starts in whole milliseconds and ends finer: a span may seem to end after what followed it. */
const CLOCK_STEP_US = 1000;

/** The spans of a trace with their places in the tree; cycles of parents are cut open. */
export interface SpanIndex {
  readonly trace: Trace;
  /** Where the last span ends, us. */
  readonly makespanUs: number;
  /** What ends no more than this after another's start is not after it: a millisecond, less in a trace of few. */
  readonly clockStepUs: number;
  readonly byId: ReadonlyMap<string, Span>;
  readonly parentOf: (span: Span) => Span | undefined;
  /** Whose work the span's self time is; see {@link indexSpans}. */
  readonly stageOf: (span: Span) => string | undefined;
  /** The parent waits for it: it lies inside, and it did not come over the broker. */
  readonly blocks: (span: Span) => boolean;
  /** Parents before their children. */
  readonly topDown: readonly Span[];
}

/**
 * A span without a stage of its own has its parent's, but a consumer's stage is its own or none: another actor's turn is
 * not its sender's work. Announcing a result is always its sender's. Where no span of the trace names a stage (a trace of other software), the service is the stage.
 */
export function indexSpans(trace: Trace): SpanIndex {
  const byId = new Map(trace.spans.map((span) => [span.id, span]));
  const topDown = orderTopDown(trace.spans, byId);
  const parents = new Map<Span, Span | undefined>();
  for (const span of topDown) {
    const parent = span.parentId === undefined ? undefined : byId.get(span.parentId);
    // In a cycle the first one has no parent before it: it is taken for a root.
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
      // Starts are stamped by another clock than lengths are measured by, and in whole milliseconds: a child may seem to
      // begin after its parent's end. An announcement is always its sender's; when it was answered is nobody's need.
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

/** The attribute as a text that is not empty. */
export function textOf(span: Span, key: string): string | undefined {
  const value = span.attributes[key];
  return typeof value === 'string' && value !== '' ? value : undefined;
}
