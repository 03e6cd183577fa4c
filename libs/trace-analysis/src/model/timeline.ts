import { ATTR } from '@clipmesh/tracing';
import { type SpanIndex, textOf } from './span.index.js';
import { type Span } from '../parse/trace.model.js';

/** The CPU demand of a piece of a task. */
export interface CpuUse {
  readonly host: string;
  /** Busy cores without slow-down, thousandths, at least 1. */
  readonly milliCores: number;
  /** Duration without slow-down, us; at most the measured duration. */
  readonly freeUs: number;
}

/** A period of a task that one span determines. */
export interface Piece {
  readonly span: Span;
  readonly startUs: number;
  readonly endUs: number;
  /** The stage of the work; undefined for waits and work without a stage. */
  readonly stage: string | undefined;
  readonly waitClass: string | undefined;
  /** Absent when it is not known to compute. */
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
 * Partitions a task from its start to its end by the span that determines each period. Walks back from the end through the last finishing
 * child that the parent waited for, top-down, with children clipped to their parents (the critical path in one process as in CRISP,
 * Zhang et al. 2022). The bound is inclusive, and no child is visited twice.
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
