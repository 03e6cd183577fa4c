import { ATTR } from '@clipmesh/tracing';
import { type Interval, subtract, total, union } from './interval.js';
import { type SpanIndex } from './span.index.js';
import { type Span } from './trace.model.js';

/**
 * One unit of a stage's work: a clip, an overlay, a plan. It is the topmost span of its stage, with everything of that
 * stage below it; so a stage's count is the number of things handled, not of spans.
 */
export interface Unit {
  readonly span: Span;
  readonly stage: string;
  /** When it worked: self time, without waits and without what other stages did inside. */
  readonly intervals: readonly Interval[];
  readonly workUs: number;
}

/**
 * The units of work of a trace. Work is self time: a span's time without the union of its children's, so never a parent
 * and its child both. A child in another service counts only where it lies inside its parent: an asynchronous successor
 * is not its sender's work. A consumer's turn is one slot of one worker and does one thing at a time: spans that overlap
 * in it (an upload beside the provider's run) count once.
 */
export function unitsOf(index: SpanIndex): Unit[] {
  const holes = holesOf(index);
  const tops = new Map<Span, Span>();
  const intervals = new Map<Span, Interval[]>();
  for (const span of index.topDown) {
    const stage = index.stageOf(span);
    if (stage === undefined) continue;
    const parent = index.parentOf(span);
    const above = parent === undefined || span.kind === 'consumer' ? undefined : tops.get(parent);
    const top = above !== undefined && index.stageOf(above) === stage ? above : span;
    tops.set(span, top);
    const list = intervals.get(top) ?? [];
    intervals.set(top, list);
    const announces = span.kind === 'producer' && parent !== undefined;
    if (announces || span.attributes[ATTR.waitClass] !== undefined) continue;
    list.push(...subtract([span.startUs, span.endUs], union(holes.get(span) ?? [])));
  }
  return [...intervals].flatMap(([span, list]) => {
    const stage = index.stageOf(span);
    if (stage === undefined) return [];
    const worked = span.kind === 'consumer' ? union(list) : list;
    return [{ span, stage, intervals: worked, workUs: total(worked) }];
  });
}

function holesOf(index: SpanIndex): Map<Span, Interval[]> {
  const holes = new Map<Span, Interval[]>();
  for (const child of index.topDown) {
    const parent = index.parentOf(child);
    const isWait = child.attributes[ATTR.waitClass] !== undefined;
    if (parent === undefined || child.kind === 'producer' || (index.stageOf(child) === undefined && !isWait)) continue;
    const inside = child.startUs >= parent.startUs && child.endUs <= parent.endUs;
    if (child.service !== parent.service && !inside) continue;
    const hole: Interval = [Math.max(child.startUs, parent.startUs), Math.min(child.endUs, parent.endUs)];
    const list = holes.get(parent);
    if (list === undefined) holes.set(parent, [hole]);
    else list.push(hole);
  }
  return holes;
}
