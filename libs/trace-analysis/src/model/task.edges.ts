import { ATTR } from '@clipmesh/tracing';
import { numberOf, type SpanIndex, textOf } from './span.index.js';
import { type Draft, type Edge, type Task } from './task.model.js';
import { type Span } from '../parse/trace.model.js';

/** With more scenes, a join depends only on the last one to end. */
const MAX_JOINED = 64;

/**
 * Adds the predecessors of every task. Explicit edges come from the trace: the message's sender, the parent, links, and the previous
 * delivery. A task without them gets edges by time: from the last unit of each other stage that ended before its start, of the same
 * scene if both have one.
 */
export function edgesOf(index: SpanIndex, drafts: readonly Draft[], rootOf: (span: Span) => Span | undefined): Task[] {
  const places = new Map<Span, number>();
  const heads = new Map<Span, number>();
  drafts.forEach((draft, at) => {
    if (draft.role === 'task') places.set(draft.span, at);
    else if (draft.role === 'head') heads.set(draft.span, at);
  });
  const placeOf = (span: Span | undefined): number | undefined => {
    const root = span === undefined ? undefined : rootOf(span);
    return root === undefined ? undefined : places.get(root);
  };
  const deliveries = new Map<string, number>();
  const tries = new Map<string, number>();
  const failed = drafts.map(({ span }) => {
    const settlement = textOf(span, ATTR.settlement);
    return settlement !== undefined && settlement !== 'ack';
  });
  const explicit = drafts.map((draft, at) => {
    const edges: Edge[] = [];
    if (draft.role === 'tail') return edges;
    const { span, startUs } = draft;
    const add = (from: number | undefined, kind: Edge['kind'], handedUs: number): void => {
      const earlier = from === undefined ? undefined : drafts[from];
      if (from === undefined || earlier === undefined || from >= at) return;
      edges.push({ from, kind, atUs: Math.min(Math.max(handedUs, earlier.startUs), earlier.endUs, startUs) });
    };
    const parent = index.parentOf(span);
    if ((draft.container === undefined || draft.role === 'head') && parent !== undefined) {
      const kind = parent.kind === 'producer' || span.kind === 'consumer' ? 'message' : 'spawn';
      add(placeOf(parent), kind, parent.kind === 'producer' ? parent.endUs : span.startUs);
    }
    const links = parent?.kind === 'producer' ? [...span.links, ...parent.links] : span.links;
    for (const link of new Set(links)) {
      const linked = index.byId.get(link);
      if (linked !== undefined) add(placeOf(linked), 'link', linked.endUs);
    }
    const delivery = deliveryOf(span);
    const before = delivery === undefined ? undefined : deliveries.get(delivery);
    if (before !== undefined && (drafts[before]?.endUs ?? 0) <= startUs) add(before, 'retry', startUs);
    if (delivery !== undefined) deliveries.set(delivery, at);
    const step = draft.stage === undefined || draft.scene === undefined ? undefined : `${draft.stage} ${draft.scene}`;
    const tried = step === undefined || textOf(span, ATTR.settlement) !== undefined ? undefined : tries.get(step);
    if (tried !== undefined && (drafts[tried]?.endUs ?? 0) <= startUs && isLaterTry(drafts[tried]?.span, span)) {
      failed[tried] = true;
      if (edges.length === 0) add(tried, 'retry', startUs);
    }
    if (step !== undefined) tries.set(step, at);
    return edges;
  });
  const inferred = inferEdges(drafts, explicit, heads);
  return relabelWindows(
    drafts.map(({ role: _, container: __, ...draft }, at) => ({
      ...draft,
      failed: failed[at] ?? false,
      edges: [...(explicit[at] ?? []), ...(inferred[at] ?? [])],
    })),
  );
}

/** Key of a message in an inbox; redeliveries have the same key. */
function deliveryOf(span: Span): string | undefined {
  if (span.kind !== 'consumer' || span.parentId === undefined) return undefined;
  return `${span.parentId} ${span.service} ${textOf(span, 'messaging.consumer.group.name') ?? ''}`;
}

const isLaterTry = (before: Span | undefined, span: Span): boolean =>
  before !== undefined && (numberOf(span, ATTR.step) ?? 0) > (numberOf(before, ATTR.step) ?? Infinity);

interface Ended {
  latest: number;
  readonly byScene: Map<number, number>;
}

function inferEdges(drafts: readonly Draft[], explicit: readonly Edge[][], heads: ReadonlyMap<Span, number>): Edge[][] {
  const byEnd = drafts.map((_, at) => at).sort((a, b) => (drafts[a]?.endUs ?? 0) - (drafts[b]?.endUs ?? 0));
  const ended = new Map<string, Ended>();
  let next = 0;
  return drafts.map((draft, at) => {
    for (let one = byEnd[next]; one !== undefined && (drafts[one]?.endUs ?? 0) <= draft.startUs; one = byEnd[next]) {
      const earlier = drafts[one];
      if (earlier?.stage !== undefined) remember(ended, earlier.stage, earlier.scene, one);
      next += 1;
    }
    if (draft.role === 'head' || (explicit[at]?.length ?? 0) > 0) return [];
    const edges: Edge[] = [];
    const add = (from: number): void => {
      const earlier = drafts[from];
      if (earlier !== undefined && from < at)
        edges.push({ from, kind: 'inferred', atUs: Math.min(earlier.endUs, draft.startUs) });
    };
    for (const [stage, entry] of ended) if (stage !== draft.stage) followed(entry, draft.scene).forEach(add);
    const head = draft.container === undefined ? undefined : heads.get(draft.container);
    if (head !== undefined && edges.length === 0) add(head);
    return edges;
  });
}

function remember(ended: Map<string, Ended>, stage: string, scene: number | undefined, at: number): void {
  const entry = ended.get(stage) ?? { latest: at, byScene: new Map<number, number>() };
  entry.latest = at;
  if (scene !== undefined) entry.byScene.set(scene, at);
  ended.set(stage, entry);
}

function followed({ latest, byScene }: Ended, scene: number | undefined): number[] {
  if (byScene.size === 0) return [latest];
  if (scene === undefined) return byScene.size > MAX_JOINED ? [latest] : [...byScene.values()];
  const same = byScene.get(scene);
  return same === undefined ? [] : [same];
}

/**
 * Finds commands that the window of scenes in flight delayed: the progress of another scene triggered them. Their release becomes a
 * `window` edge, and they need the same task as the first command of their stage.
 */
function relabelWindows(tasks: readonly Task[]): Task[] {
  const first = new Map<string, Edge>();
  return tasks.map((task) => {
    const { stage, scene } = task;
    const message = task.edges.find(({ kind }) => kind === 'message');
    if (stage === undefined || scene === undefined || message === undefined) return task;
    const director = tasks[message.from];
    const trigger = director?.stage === undefined ? director?.edges.find(({ kind }) => kind === 'message') : undefined;
    const released = trigger === undefined ? undefined : tasks[trigger.from];
    const base = first.get(stage);
    if (base === undefined || released?.scene === undefined || released.scene === scene) {
      // The last one that was sent together with the first; delayed ones come after it.
      if (base === undefined || (base.from === message.from && base.atUs < message.atUs)) first.set(stage, message);
      return task;
    }
    const edges = task.edges.map((edge) => (edge === message ? { ...edge, kind: 'window' as const } : edge));
    return { ...task, edges: [...edges, { ...base, atUs: Math.min(base.atUs, task.startUs) }] };
  });
}
