import { ClipmeshError, messageOf } from '@clipmesh/contracts';
import { type PredictionState } from '../ports.js';
import { isUnsent } from './cog.http.js';

/** Ended predictions that are kept after they were read, so that a repeated download finds them. */
const KEPT = 8;

interface Run {
  state: PredictionState;
  /** Set when the server refused the prediction, so that it never ran. */
  refusal: ClipmeshError | undefined;
  /** Resolves at the end, also when the connection broke. */
  readonly ended: Promise<void>;
  wasRead: boolean;
}

/**
 * The predictions whose answers this process holds. A Cog server answers a prediction once, at its end, and remembers nothing; when
 * the connection breaks before, it cancels the prediction.
 */
export class CogRuns {
  readonly #runs = new Map<string, Run>();
  readonly #listeners = new Set<{ id: string; onEnd: () => void }>();

  /** Holds a prediction until `answer` settles. */
  hold(id: string, model: string, answer: Promise<PredictionState>): Run {
    const createdAt = new Date().toISOString();
    const begun = { id, model, createdAt, startedAt: createdAt };
    const ended = answer.then(
      (state) => {
        run.state = { ...begun, ...state, completedAt: new Date().toISOString() };
      },
      (error: unknown) => {
        if (error instanceof ClipmeshError) run.refusal = error;
        run.state = {
          ...(isUnsent(error) ? { id, model, createdAt } : begun),
          status: 'failed',
          error: `the answer of the Cog server is lost: ${messageOf(error)}`,
          failureKind: 'service',
          completedAt: new Date().toISOString(),
        };
      },
    );
    const run: Run = { state: { ...begun, status: 'processing' }, refusal: undefined, ended, wasRead: false };
    this.#runs.set(id, run);
    void ended.then(() => {
      if (run.refusal !== undefined) this.#runs.delete(id);
      for (const { id: awaited, onEnd } of [...this.#listeners]) if (awaited === id) onEnd();
    });
    return run;
  }

  /** The prediction, if this process holds it. */
  get(id: string): Run | undefined {
    const run = this.#runs.get(id);
    if (run !== undefined && run.state.status !== 'processing') {
      run.wasRead = true;
      const read = [...this.#runs].filter(([, { wasRead }]) => wasRead);
      for (const [old] of read.slice(0, -KEPT)) if (old !== id) this.#runs.delete(old);
    }
    return run;
  }

  /** Calls `onEnd` at the end of a prediction. Returns a function that stops listening. */
  onEnd(id: string, onEnd: () => void): () => void {
    const listener = { id, onEnd };
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
