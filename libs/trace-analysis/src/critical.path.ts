import { ATTR, ERROR_TYPE } from '@clipmesh/tracing';
import { type Start } from './pools.js';
import { numberOf, type SpanIndex, textOf } from './span.index.js';
import { type EdgeKind, type Task } from './task.graph.js';
import { type Piece } from './timeline.js';
import { type Span } from './trace.model.js';

/**
 * What a wait waited for. `queue`: a slot of the pool; `window`: fewer scenes in flight; `dispatch`: the broker, the
 * director, and whatever else is nobody's work; `rate_limit`: the provider lets out no more calls, or has asked to slow
 * down; `provider_queue`, `poll_lag`, `external`, `retry`: as the spans say.
 */
export type WaitClass =
  'queue' | 'window' | 'dispatch' | 'provider_queue' | 'rate_limit' | 'poll_lag' | 'external' | 'retry';
const WAIT_CLASSES: readonly string[] = [
  'queue',
  'window',
  'dispatch',
  'provider_queue',
  'rate_limit',
  'poll_lag',
  'external',
  'retry',
] satisfies WaitClass[];

export interface Segment {
  readonly span: Span;
  readonly startUs: number;
  readonly endUs: number;
  readonly kind: 'work' | 'wait';
  readonly waitClass: WaitClass | undefined;
  /** The stage whose work or whose wait it is. */
  readonly stage: string | undefined;
  /** How much of it is there only because cores were shared, us; 0 for waits. */
  readonly slowedUs: number;
  /** Work of a try that came to nothing. */
  readonly wasted: boolean;
  /** How this task is known to follow the one before it on the path; on its first segment only. */
  readonly edge: EdgeKind | undefined;
}

/** Longest hop over the broker that is still a hop; a longer one that the message spent in the stream is a queue. */
const HOP_US = 100_000;

/**
 * The longest chain of waits and work, walked back from the end of the last task through the predecessor that came last:
 * a partition of 0..makespan, oldest first. It crosses the broker. With `needsOnly` a command that the window held back
 * follows what it needed, and the time between is a wait.
 */
export function criticalPath(
  index: SpanIndex,
  tasks: readonly Task[],
  starts: readonly Start[],
  needsOnly = false,
): Segment[] {
  const path: Segment[] = [];
  let at = tasks.reduce((best, task, one) => (task.endUs > (tasks[best]?.endUs ?? -1) ? one : best), 0);
  let untilUs = index.makespanUs;
  for (let task = tasks[at]; task !== undefined; task = tasks[at]) {
    for (let i = task.pieces.length - 1; i >= 0; i -= 1) {
      const piece = task.pieces[i];
      if (piece === undefined || piece.startUs >= untilUs) continue;
      path.push({
        ...segmentOf(piece.span, piece.startUs, untilUs, piece.stage, piece.waitClass, task),
        slowedUs: slowedIn(piece, untilUs),
      });
      untilUs = piece.startUs;
    }
    const chosen = chosenEdge(task, starts[at], needsOnly);
    const handedUs = chosen?.atUs ?? 0;
    const limited = isRateLimited(chosen === undefined ? undefined : tasks[chosen.from]?.span);
    pushWaits(path, task, at, starts, { fromUs: handedUs, untilUs, kind: chosen?.kind, limited, needsOnly });
    untilUs = handedUs;
    const first = path.at(-1);
    if (first !== undefined && chosen !== undefined) path[path.length - 1] = { ...first, edge: chosen.kind };
    if (chosen === undefined) break;
    at = chosen.from;
  }
  return merged(path.reverse());
}

const isRateLimited = (span: Span | undefined): boolean =>
  span !== undefined && textOf(span, ERROR_TYPE) === 'PROVIDER_RATE_LIMITED';

function chosenEdge(task: Task, start: Start | undefined, needsOnly: boolean): Task['edges'][number] | undefined {
  if (!needsOnly) return start?.lastEdge === undefined ? undefined : task.edges[start.lastEdge];
  return task.edges
    .filter(({ kind }) => kind !== 'window')
    .reduce<Task['edges'][number] | undefined>(
      (best, edge) => (best === undefined || edge.atUs > best.atUs ? edge : best),
      undefined,
    );
}

interface Gap {
  readonly fromUs: number;
  readonly untilUs: number;
  readonly kind: EdgeKind | undefined;
  /** The task before it was told to slow down. */
  readonly limited: boolean;
  readonly needsOnly: boolean;
}

/** The time between the hand-over and the start, newest part first. */
function pushWaits(path: Segment[], task: Task, at: number, starts: readonly Start[], gap: Gap): void {
  const wait = (startUs: number, endUs: number, waitClass: WaitClass): void => {
    // It would have waited as long for a try that succeeds.
    if (endUs > startUs)
      path.push({ ...segmentOf(task.span, startUs, endUs, task.stage, waitClass, task), wasted: false });
  };
  const { fromUs, untilUs } = gap;
  if (gap.kind === undefined) {
    wait(fromUs, untilUs, 'external');
    return;
  }
  if (gap.kind === 'retry') {
    wait(fromUs, untilUs, gap.limited ? 'rate_limit' : 'retry');
    return;
  }
  const readyUs = Math.min(Math.max(starts[at]?.readyUs ?? fromUs, fromUs), untilUs);
  const slotUs = Math.min(Math.max(starts[at]?.slotUs ?? readyUs, readyUs), untilUs);
  const queuedUs = (numberOf(task.span, ATTR.queueWaitMs) ?? 0) * 1000;
  const hopUs = untilUs - slotUs;
  // The pool looked free: its slots were held by other traces' work.
  wait(slotUs, untilUs, hopUs > HOP_US && queuedUs >= hopUs - HOP_US ? 'queue' : 'dispatch');
  wait(readyUs, slotUs, 'queue');
  wait(fromUs, readyUs, gap.needsOnly ? 'window' : 'dispatch');
}

/** How much of a piece up to this time is there only because it shared cores. */
function slowedIn({ startUs, endUs, cpu }: Piece, untilUs: number): number {
  if (cpu === undefined) return 0;
  return Math.round(((endUs - startUs - cpu.freeUs) * (untilUs - startUs)) / (endUs - startUs));
}

function segmentOf(
  span: Span,
  startUs: number,
  endUs: number,
  stage: string | undefined,
  waitClass: string | undefined,
  task: Task,
): Segment {
  const known =
    waitClass === undefined ? undefined : WAIT_CLASSES.includes(waitClass) ? (waitClass as WaitClass) : 'external';
  const isWork = known === undefined && stage !== undefined;
  return {
    span,
    startUs,
    endUs,
    kind: isWork ? 'work' : 'wait',
    waitClass: isWork ? undefined : (known ?? 'dispatch'),
    stage: stage ?? task.stage,
    slowedUs: 0,
    wasted: task.failed,
    edge: undefined,
  };
}

function merged(path: readonly Segment[]): Segment[] {
  const out: Segment[] = [];
  for (const segment of path) {
    const last = out.at(-1);
    if (
      last?.span === segment.span &&
      last.kind === segment.kind &&
      last.waitClass === segment.waitClass &&
      segment.edge === undefined
    ) {
      out[out.length - 1] = { ...last, endUs: segment.endUs, slowedUs: last.slowedUs + segment.slowedUs };
    } else out.push(segment);
  }
  return out;
}
