import { setTimeout as delay } from 'node:timers/promises';
import { ClipmeshError } from '@clipmesh/contracts';
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
const TRIES = 8;
const FIRST_PAUSE_MS = 4;

async function inTime<T>(work: Promise<T>): Promise<T> {
  const over = new AbortController();
  try {
    return await Promise.race([
      work,
      delay(CALL_TIMEOUT_MS, undefined, { signal: over.signal }).then(() => {
        throw new ClipmeshError('STORE_UNAVAILABLE', `the shared state did not answer within ${CALL_TIMEOUT_MS} ms`);
      }),
    ]);
  } finally {
    over.abort();
  }
}

/**
 * Changes one value by compare-and-set: at most 8 tries, with growing random pauses after conflicts. Writes nothing when `step` keeps
 * the state. Throws `STORE_UNAVAILABLE` after too many conflicts or when a call takes longer than 1 s, and the store's own errors. Ends
 * within about 17 s.
 */
export async function changeShared<S, R>(
  store: SharedState,
  key: string,
  schema: z.ZodType<S>,
  step: (state: S | undefined) => { readonly state: S | undefined; readonly result: R },
): Promise<R> {
  for (let tryIndex = 0; tryIndex < TRIES; tryIndex += 1) {
    const entry = await inTime(store.get(key));
    // An unreadable value was written by another version: replace it.
    const current = schema.safeParse(entry?.value).data;
    const { state, result } = step(current);
    if (state === undefined || state === current) return result;
    if ((await inTime(store.save(key, state, entry?.revision))) !== undefined) return result;
    await delay(Math.random() * FIRST_PAUSE_MS * 2 ** tryIndex);
  }
  throw new ClipmeshError('STORE_UNAVAILABLE', `${key} is too contended`);
}
