import { ATTR } from '@clipmesh/tracing';
import { type SpanIndex, textOf } from './span.index.js';
import { type Span } from './trace.model.js';

/** What a stretch of a task asks of the cores of its host. */
export interface CpuUse {
  readonly host: string;
  /** Cores that it keeps busy where nothing slows it, thousandths, at least 1. */
  readonly milliCores: number;
  /** How long it takes where nothing slows it, us; never more than it took. */
  readonly freeUs: number;
}

/** A stretch of a task during which one span held it up. */
export interface Piece {
  readonly span: Span;
  readonly startUs: number;
  readonly endUs: number;
  /** Whose work it is; undefined for waits and for what belongs to no stage. */
  readonly stage: string | undefined;
  readonly waitClass: string | undefined;
  /** Absent where it is not known to compute. */
  readonly cpu?: CpuUse;
}

interface Frame {
  readonly span: Span;
  readonly startUs: number;
  readonly waitClass: string | undefined;
  readonly children: readonly { readonly span: Span; readonly startUs: number; readonly endUs: number }[];
  next: number;
}

/**
 * What held a task up, from its start to its end without gap or overlap: walked back from the end through the last
 * finishing child that the parent waited for, top-down, children cut to their parents (the critical path inside one
 * process as in CRISP, Zhang et al. 2022). The bound is inclusive and no child is entered twice.
 */
export function timelineOf(root: Span, childrenOf: (span: Span) => readonly Span[], index: SpanIndex): Piece[] {
  const open = (span: Span, startUs: number, endUs: number, inherited: string | undefined): Frame => ({
    span,
    startUs,
    waitClass: textOf(span, ATTR.waitClass) ?? inherited,
    children: childrenOf(span)
      .map((child) => ({
        span: child,
        startUs: Math.min(Math.max(child.startUs, startUs), endUs),
        endUs: Math.max(startUs, Math.min(child.endUs, endUs)),
      }))
      .sort((a, b) => a.endUs - b.endUs || a.startUs - b.startUs),
    next: -1,
  });
  const pieces: Piece[] = [];
  const stack: Frame[] = [];
  let at = root.endUs;
  const enter = (frame: Frame): void => {
    frame.next = frame.children.length;
    stack.push(frame);
  };
  enter(open(root, root.startUs, root.endUs, undefined));
  for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
    let child: Frame['children'][number] | undefined;
    while (frame.next > 0 && child === undefined) {
      frame.next -= 1;
      const candidate = frame.children[frame.next];
      if (candidate === undefined) continue;
      const stepUs = candidate.startUs < at ? index.clockStepUs : 0;
      if (candidate.endUs <= at + stepUs) child = candidate;
    }
    const from = child === undefined ? frame.startUs : Math.min(child.endUs, at);
    if (from < at) {
      const { span, waitClass } = frame;
      const stage = waitClass === undefined ? index.stageOf(span) : undefined;
      pieces.push({ span, startUs: from, endUs: at, stage, waitClass });
      at = from;
    }
    if (child === undefined) stack.pop();
    else enter(open(child.span, child.startUs, Math.min(child.endUs, at), frame.waitClass));
  }
  return pieces.reverse();
}
