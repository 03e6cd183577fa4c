import { ATTR, ERROR_TYPE } from '@clipmesh/tracing';
import { type Start } from '../model/pools.js';
import { numberOf, type SpanIndex, textOf } from '../model/span.index.js';
import { type EdgeKind, type Task } from '../model/task.model.js';
import { type Piece } from '../model/timeline.js';
import { type Span } from '../parse/trace.model.js';

/**
 * The reason of a wait. `queue`: no free slot in the pool. `window`: too many scenes in flight. `dispatch`: broker, director and other
 * time without work. `rate_limit`: the rate limit of the provider. `provider_queue`, `poll_lag`, `external`, `retry`: from the spans.
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
  /** The stage of the work or the wait. */
  readonly stage: string | undefined;
  /** Time that is due to shared cores, us; 0 for waits. */
  readonly slowedUs: number;
  /** Whether it belongs to a failed try. */
  readonly wasted: boolean;
  /** The edge from the previous task on the path; only on a task's first segment. */
  readonly edge: EdgeKind | undefined;
}

/** Longest hop over the broker, us. A longer time in the stream counts as a queue. */
const HOP_US = 100_000;

/**
 * The longest chain of waits and work, found backwards from the end of the last task through the latest predecessors. A partition of
 * 0..makespan, oldest first, across the broker. With `needsOnly`, a command that the window delayed follows the task it needed, and the
 * time between is a wait.
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
  /** The previous task was rate limited. */
  readonly limited: boolean;
  readonly needsOnly: boolean;
}

/** Adds the waits between the hand-over and the start, newest first. */
function pushWaits(path: Segment[], task: Task, at: number, starts: readonly Start[], gap: Gap): void {
  const wait = (startUs: number, endUs: number, waitClass: WaitClass): void => {
    // A successful try would have had the same wait.
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
  // The pool seems to have free slots, but work of other traces occupied them.
  wait(slotUs, untilUs, hopUs > HOP_US && queuedUs >= hopUs - HOP_US ? 'queue' : 'dispatch');
  wait(readyUs, slotUs, 'queue');
  wait(fromUs, readyUs, gap.needsOnly ? 'window' : 'dispatch');
}

/** The part of a piece up to this time that is due to shared cores. */
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
