import { ATTR } from '@clipmesh/tracing';
import { type Span } from '../parse/trace.model.js';
import { numberOf, type SpanIndex, textOf } from './span.index.js';
import { edgesOf } from './task.edges.js';
import { type Draft, type Task } from './task.model.js';
import { timelineOf } from './timeline.js';

/** The directed acyclic graph of a trace's tasks, in the order of their starts. Edges lead to earlier tasks. */
export function tasksOf(index: SpanIndex): Task[] {
  const { roots, rootOf, children } = cut(index);
  const containers = containersOf(index, roots, rootOf);
  const drafts: Draft[] = [];
  for (const span of roots) {
    const container = rootOf.get(span)?.container;
    const lastUs = containers.get(span);
    const pieces = timelineOf(span, (one) => children.get(one) ?? [], index);
    const base = { span, stage: index.stageOf(span), scene: numberOf(span, ATTR.scene), pool: poolOf(index, span) };
    if (lastUs === undefined) {
      drafts.push({ ...base, startUs: span.startUs, endUs: span.endUs, pieces, role: 'task', container });
      continue;
    }
    const { startUs, endUs } = span;
    drafts.push({ ...base, pool: undefined, startUs, endUs: startUs, pieces: [], role: 'head', container: span });
    const tail = pieces
      .filter((piece) => piece.endUs > lastUs)
      .map((piece) => ({ ...piece, startUs: Math.max(piece.startUs, lastUs) }));
    drafts.push({
      ...base,
      pool: undefined,
      startUs: Math.min(lastUs, endUs),
      endUs,
      pieces: tail,
      role: 'tail',
      container: span,
    });
  }
  const order = { head: 0, task: 1, tail: 2 };
  drafts.sort((a, b) => a.startUs - b.startUs || order[a.role] - order[b.role] || b.endUs - a.endUs);
  return edgesOf(index, drafts, (span) => rootOf.get(span)?.root);
}

interface Place {
  /** The task's own span. */
  readonly root: Span;
  /** The span without a stage that contains the unit. */
  readonly container: Span | undefined;
}

/** Splits the tree into tasks: at the broker, at asynchronous children, and at the units of a process without a stage. */
function cut(index: SpanIndex): { roots: Span[]; rootOf: Map<Span, Place>; children: Map<Span, Span[]> } {
  const roots: Span[] = [];
  const rootOf = new Map<Span, Place>();
  const children = new Map<Span, Span[]>();
  for (const span of index.topDown) {
    const parent = index.parentOf(span);
    const place = parent === undefined ? undefined : rootOf.get(parent);
    if (parent === undefined || place === undefined || !index.blocks(span)) {
      roots.push(span);
      rootOf.set(span, { root: span, container: undefined });
    } else if (index.stageOf(place.root) === undefined && index.stageOf(span) !== undefined) {
      roots.push(span);
      rootOf.set(span, { root: span, container: place.root });
    } else {
      rootOf.set(span, place);
      const list = children.get(parent);
      if (list === undefined) children.set(parent, [span]);
      else list.push(span);
    }
  }
  return { roots, rootOf, children };
}

/** The spans that contain units of work, with the end of the last unit. */
function containersOf(index: SpanIndex, roots: readonly Span[], rootOf: ReadonlyMap<Span, Place>): Map<Span, number> {
  const containers = new Map<Span, number>();
  for (const span of roots) {
    const container = rootOf.get(span)?.container;
    if (container === undefined) continue;
    const endUs = Math.min(span.endUs, container.endUs);
    containers.set(container, Math.max(containers.get(container) ?? 0, endUs));
  }
  return containers;
}

function poolOf(index: SpanIndex, span: Span): string | undefined {
  const stage = index.stageOf(span);
  if (stage !== undefined) return stage;
  if (span.kind !== 'consumer') return undefined;
  return `${span.service}/${textOf(span, 'messaging.consumer.group.name') ?? span.name}`;
}
