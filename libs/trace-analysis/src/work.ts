import { ATTR } from '@clipmesh/tracing';
import { type Span, type Trace } from './trace.model.js';

/** Half-open [start, end) in microseconds. */
export type Interval = readonly [startUs: number, endUs: number];
export interface Work {
  readonly span: Span;
  readonly stage: string;
  readonly intervals: readonly Interval[];
  readonly workUs: number;
}

export const total = (list: readonly Interval[]): number => list.reduce((sum, [start, end]) => sum + end - start, 0);

/** The union of intervals as sorted, disjoint, non-empty ones. */
export function union(list: readonly Interval[]): Interval[] {
  const merged: [number, number][] = [];
  for (const [start, end] of [...list].sort((a, b) => a[0] - b[0])) {
    if (end <= start) continue;
    const last = merged.at(-1);
    if (last !== undefined && start <= last[1]) last[1] = Math.max(last[1], end);
    else merged.push([start, end]);
  }
  return merged;
}

function subtract(from: Interval, holes: readonly Interval[]): Interval[] {
  const left: Interval[] = [];
  let at = from[0];
  for (const [start, end] of holes) {
    if (start > at) left.push([at, start]);
    at = Math.max(at, end);
  }
  if (at < from[1]) left.push([at, from[1]]);
  return left;
}

/** The stage of each span, its own or its nearest ancestor's; a cycle of parents has none. */
function stagesOf(byId: ReadonlyMap<string, Span>): Map<string, string | undefined> {
  const stages = new Map<string, string | undefined>();
  for (const span of byId.values()) {
    const chain: string[] = [];
    let found: string | undefined;
    for (
      let at: Span | undefined = span;
      at !== undefined;
      at = at.parentId === undefined ? undefined : byId.get(at.parentId)
    ) {
      if (stages.has(at.id)) {
        found = stages.get(at.id);
        break;
      }
      stages.set(at.id, undefined);
      chain.push(at.id);
      const own = at.attributes[ATTR.stage];
      if (typeof own === 'string') {
        found = own;
        break;
      }
    }
    for (const id of chain) stages.set(id, found);
  }
  return stages;
}

/**
 * Self time of every working span: its time without the union of its children's. A child across the broker counts only
 * where it lies inside its parent: an asynchronous successor is not its sender's work.
 */
export function workOf(trace: Trace): Work[] {
  const byId = new Map(trace.spans.map((span) => [span.id, span]));
  const stages = stagesOf(byId);
  const holes = new Map<string, Interval[]>();
  for (const child of trace.spans) {
    const parent = child.parentId === undefined ? undefined : byId.get(child.parentId);
    if (parent === undefined || parent === child || stages.get(child.id) === undefined || child.kind === 'producer')
      continue;
    const inside = child.startUs >= parent.startUs && child.endUs <= parent.endUs;
    if (child.service !== parent.service && !inside) continue;
    const list = holes.get(parent.id) ?? [];
    list.push([Math.max(child.startUs, parent.startUs), Math.min(child.endUs, parent.endUs)]);
    holes.set(parent.id, list);
  }
  return trace.spans.flatMap((span) => {
    const stage = stages.get(span.id);
    if (stage === undefined || span.kind === 'producer' || span.attributes[ATTR.waitClass] !== undefined) return [];
    const intervals = subtract([span.startUs, span.endUs], union(holes.get(span.id) ?? []));
    return [{ span, stage, intervals, workUs: total(intervals) }];
  });
}

/** How long how many intervals ran at once, level 0 included: Σ us = makespan, Σ level·us = Σ lengths, exactly. */
export function concurrencyOf(list: readonly Interval[], makespanUs: number): { level: number; us: number }[] {
  const edges = list
    .filter(([start, end]) => end > start)
    .flatMap(([start, end]) => [[start, 1] as const, [end, -1] as const])
    .sort((a, b) => a[0] - b[0]);
  const levels = new Map<number, number>();
  let at = 0;
  let level = 0;
  for (const [time, step] of [...edges, [makespanUs, 0] as const]) {
    if (time > at) levels.set(level, (levels.get(level) ?? 0) + time - at);
    at = time;
    level += step;
  }
  return [...levels].sort((a, b) => a[0] - b[0]).map(([key, us]) => ({ level: key, us }));
}
