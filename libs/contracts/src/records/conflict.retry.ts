import { ClipmeshError } from '../failure/failure.js';
import { AlreadyExistsError, ConflictError } from './versioned.record.js';

export interface ConflictRetry {
  /** Conflicts in a row after which the change is given up. Default: 20, enough for a record with a few writers. */
  readonly maxConflicts?: number;
  /**
   * Longest pause after a conflict, ms. Each pause is random. Its upper bound is 4 ms after the first conflict and doubles.
   * Default: 0, no pauses. For records with many writers: without pauses, every round of concurrent tries has one winner.
   */
  readonly maxPauseMs?: number;
}

const MAX_CONFLICTS = 20;
const FIRST_PAUSE_MS = 4;

/** Other writers changed a record between each read and write. Retryable. */
export class ContentionError extends ClipmeshError {
  constructor(record: string, conflicts: number, cause: unknown) {
    super('STORE_UNAVAILABLE', `${record} had ${conflicts} write conflicts in a row`, { cause });
  }
}

/** Whether a store rejected a write because another one came first. */
export const isWriteConflict = (error: unknown): error is ConflictError | AlreadyExistsError =>
  error instanceof ConflictError || error instanceof AlreadyExistsError;

/**
 * Changes a record by compare-and-set. `change` reads the record, decides, and creates or saves it once; it runs again after a
 * {@link ConflictError} or {@link AlreadyExistsError}. `record` names the record in the error. Throws {@link ContentionError}
 * after too many conflicts, and any other error of `change`.
 */
export async function retryOnConflict<T>(
  record: string,
  change: () => Promise<T>,
  { maxConflicts = MAX_CONFLICTS, maxPauseMs = 0 }: ConflictRetry = {},
): Promise<T> {
  for (let conflicts = 1; ; conflicts += 1) {
    try {
      return await change();
    } catch (error) {
      if (!isWriteConflict(error)) throw error;
      if (conflicts >= maxConflicts) throw new ContentionError(record, conflicts, error);
    }
    if (maxPauseMs > 0) await pause(Math.random() * Math.min(FIRST_PAUSE_MS * 2 ** (conflicts - 1), maxPauseMs));
  }
}

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
