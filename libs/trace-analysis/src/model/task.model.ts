import { type Span } from '../parse/trace.model.js';
import { type Piece } from './timeline.js';

/**
 * The kind of a dependency. `message`: over the broker. `spawn`: started by the task without waiting. `link`: a span link. `retry`: the
 * same work again. `window`: released by another scene, a limit and not a need. `inferred`: derived from times only.
 */
export type EdgeKind = 'message' | 'spawn' | 'link' | 'retry' | 'window' | 'inferred';
export interface Edge {
  readonly from: number;
  readonly kind: EdgeKind;
  /** Time of the hand-over, at most the start of the later task. */
  readonly atUs: number;
}

/** One turn of an actor, or one unit of work in a trace without actors. */
export interface Task {
  readonly span: Span;
  readonly stage: string | undefined;
  readonly scene: number | undefined;
  /** The pool whose slot it needs; undefined when it needs none. */
  readonly pool: string | undefined;
  readonly startUs: number;
  readonly endUs: number;
  /** The host on which it ran; absent when unknown. */
  readonly host?: string;
  /** Partition of `startUs`..`endUs`. */
  readonly pieces: readonly Piece[];
  /** Whether its result was discarded: it was retried or given up. */
  readonly failed: boolean;
  /** Dependencies. `from` is an index into the list of tasks, below the task's own. */
  readonly edges: readonly Edge[];
}

export interface Draft extends Omit<Task, 'edges' | 'failed'> {
  /** `head` and `tail`: the parts of a process before and after its units, which are the tasks. */
  readonly role: 'task' | 'head' | 'tail';
  readonly container: Span | undefined;
}
