import { ClipmeshError, ConflictError, type ConflictRetry, retryOnConflict, withTimeout } from '@clipmesh/contracts';
import { type z } from 'zod';

export interface SharedEntry {
  readonly value: unknown;
  readonly revision: string;
}

/** State that all replicas share. Keys consist of letters, digits and `-_/=.`; values are JSON. */
export interface SharedState {
  get(key: string): Promise<SharedEntry | undefined>;
  /** Compare-and-set. Without a revision the key must not exist. Resolves with undefined on a conflict. */
  save(key: string, value: unknown, revision: string | undefined): Promise<SharedEntry | undefined>;
  /** Calls `onChange` for the keys below `prefix.`, now and on every change, until the returned function is called. */
  watch(prefix: string, onChange: (key: string, value: unknown) => void): () => void;
}

const CALL_TIMEOUT_MS = 1000;
/** Every call of every replica writes these values, but a caller can do without them: it gives up within about 17 s. */
const CONTENDED: ConflictRetry = { maxConflicts: 8, maxPauseMs: 512 };

const inTime = <T>(work: () => Promise<T>): Promise<T> =>
  withTimeout(
    CALL_TIMEOUT_MS,
    work,
    () => new ClipmeshError('STORE_UNAVAILABLE', `the shared state did not answer within ${CALL_TIMEOUT_MS} ms`),
  );

/**
 * Changes one value by compare-and-set. Writes nothing when `step` keeps the state. Throws `STORE_UNAVAILABLE` after 8 conflicts or
 * when a call takes longer than 1 s, and the store's own errors.
 */
export async function changeShared<S, R>(
  store: SharedState,
  key: string,
  schema: z.ZodType<S>,
  step: (state: S | undefined) => { readonly state: S | undefined; readonly result: R },
): Promise<R> {
  const changeOnce = async (): Promise<R> => {
    const entry = await inTime(() => store.get(key));
    // An unreadable value was written by another version: replace it.
    const current = schema.safeParse(entry?.value).data;
    const { state, result } = step(current);
    if (state === undefined || state === current) return result;
    const saved = await inTime(() => store.save(key, state, entry?.revision));
    if (saved === undefined) throw new ConflictError(`${key} has changed`);
    return result;
  };
  return retryOnConflict(`the shared state ${key}`, changeOnce, CONTENDED);
}
