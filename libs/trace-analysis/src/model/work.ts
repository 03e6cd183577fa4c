import { ATTR } from '@clipmesh/tracing';
import { type Interval, subtract, total, union } from './interval.js';
import { type SpanIndex } from './span.index.js';
import { type Span } from '../parse/trace.model.js';

/**
 * One unit of a stage's work, such as a clip, an overlay or a plan: the topmost span of its stage with all spans of that stage below it.
 * So the count of a stage is the number of handled items, not of spans.
 */
export interface Unit {
  readonly span: Span;
  readonly stage: string;
  /** Self time, without waits and without work of other stages inside. */
  readonly intervals: readonly Interval[];
  readonly workUs: number;
}

/**
 * The units of work of a trace. Work is self time, a span's time without the union of its children's, so time is never counted for both
 * a parent and its child. A child in another service counts only inside its parent, because an asynchronous successor is not its
 * sender's work. A consumer's turn uses one slot, so overlapping spans in it (such as an upload during the provider's run) count once.
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
