import { ATTR } from '@clipmesh/tracing';
import { numberOf, type SpanIndex, textOf } from './span.index.js';
import { edgesOf } from './task.edges.js';
import { type Piece, timelineOf } from './timeline.js';
import { type Span } from './trace.model.js';

/**
 * How one task is known to follow another. `message`: over the broker; `spawn`: started by it and not waited for; `link`:
 * named by a span link; `retry`: the same work, tried again; `window`: let go when another scene was done, so a limit and
 * not a need; `inferred`: only its time says so.
 */
export type EdgeKind = 'message' | 'spawn' | 'link' | 'retry' | 'window' | 'inferred';
export interface Edge {
  readonly from: number;
  readonly kind: EdgeKind;
  /** When the earlier task handed over; never after the later one's start. */
  readonly atUs: number;
}

/** One turn of an actor, or one unit of work where a trace has no actors. */
export interface Task {
  readonly span: Span;
  readonly stage: string | undefined;
  readonly scene: number | undefined;
  /** Whose slots it needs; undefined: it waits for none. */
  readonly pool: string | undefined;
  readonly startUs: number;
  readonly endUs: number;
  /** Where it ran; absent where no span says. */
  readonly host?: string;
  /** Partition of `startUs`..`endUs`. */
  readonly pieces: readonly Piece[];
  /** What it was is thrown away: it was tried again, or it was given up. */
  readonly failed: boolean;
  /** Ended in time order before this task; indexes into the list, all below its own. */
  readonly edges: readonly Edge[];
}

export interface Draft extends Omit<Task, 'edges' | 'failed'> {
  /** The place in a process that is no task by itself: its units are tasks. */
  readonly role: 'task' | 'head' | 'tail';
  readonly container: Span | undefined;
}

/** The directed graph of a trace's tasks, in the order of their starts; edges lead back in that order. */
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
  /** The stageless span in whose process a unit lies. */
  readonly container: Span | undefined;
}

/** Cuts the tree into tasks: at the broker, at asynchronous children, and at the units of a process without a stage. */
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

/** The spans that hold units of work, with the end of their last one. */
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
