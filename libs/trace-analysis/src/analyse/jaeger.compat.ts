import { type Span, type Trace } from '../parse/trace.model.js';

/** A section of a span on Jaeger's critical path. Times are microseconds since the epoch, as in Jaeger. */
export interface JaegerSection {
  readonly spanId: string;
  readonly sectionStart: number;
  readonly sectionEnd: number;
}

interface Node {
  readonly span: Span;
  readonly parent: Node | undefined;
  startUs: number;
  endUs: number;
  /** Sorted by end. `next`: number of children that are not visited yet. */
  children: Node[];
  next: number;
}

/**
 * The critical path as defined by Jaeger's UI: from the end of each root to its last finishing child (ties: first started, then first
 * listed), back to that child's start, then to the child that finished before it. The parent is the first existing reference of a span; a
 * root has none. A consumer below a producer does not block it, and is excluded with its subtree. Children are clipped to their parents,
 * and dropped when outside. The bound is inclusive (jaeger#9148), so that back-to-back siblings are both on the path. No child is visited
 * twice, so spans of zero length cannot cause a loop.
 */
export function jaegerCriticalPath(trace: Trace): JaegerSection[] {
  const origin = trace.originUs ?? 0;
  const byId = new Map(trace.spans.map((span) => [span.id, span]));
  const listed = (trace.documentOrder ?? [...byId.keys()]).flatMap((id) => byId.get(id) ?? []);
  const children = new Map<string, Span[]>();
  const roots: Span[] = [];
  for (const span of listed.sort((a, b) => a.startUs - b.startUs)) {
    const parentId = [span.parentId, ...span.links].find((id) => id !== undefined && byId.has(id));
    if (parentId === undefined) {
      roots.push(span);
      continue;
    }
    const list = children.get(parentId);
    if (list === undefined) children.set(parentId, [span]);
    else list.push(span);
  }
  return roots.flatMap((root) => {
    const tree = sanitizedTree(root, children);
    return walk(tree).map(({ spanId, sectionStart, sectionEnd }) => ({
      spanId,
      sectionStart: origin + sectionStart,
      sectionEnd: origin + sectionEnd,
    }));
  });
}

function sanitizedTree(root: Span, childrenOf: ReadonlyMap<string, readonly Span[]>): Node {
  const top: Node = { span: root, parent: undefined, startUs: root.startUs, endUs: root.endUs, children: [], next: 0 };
  const stack = [top];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    for (const span of childrenOf.get(node.span.id) ?? []) {
      if (node.span.kind === 'producer' && span.kind === 'consumer') continue;
      const outside = span.startUs >= node.startUs ? span.startUs >= node.endUs : span.endUs <= node.startUs;
      if (outside) continue;
      const startUs = Math.max(span.startUs, node.startUs);
      const child: Node = {
        span,
        parent: node,
        startUs,
        endUs: Math.min(span.endUs, node.endUs),
        children: [],
        next: 0,
      };
      node.children.push(child);
      stack.push(child);
    }
    // Stable sort: among children with the same end, the first one counts, so it must come last.
    node.children = node.children.reverse().sort((a, b) => a.endUs - b.endUs);
    node.next = node.children.length;
  }
  return top;
}

function walk(top: Node): JaegerSection[] {
  const path: JaegerSection[] = [];
  let node: Node | undefined = top;
  let at = top.endUs;
  while (node !== undefined) {
    let child: Node | undefined;
    while (node.next > 0 && child === undefined) {
      node.next -= 1;
      const candidate: Node | undefined = node.children[node.next];
      if (candidate !== undefined && candidate.endUs <= at) child = candidate;
    }
    const from: number = child === undefined ? node.startUs : child.endUs;
    if (from !== at) path.push({ spanId: node.span.id, sectionStart: from, sectionEnd: at });
    at = from;
    node = child ?? node.parent;
  }
  return path;
}
