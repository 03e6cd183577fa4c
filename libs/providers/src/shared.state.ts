import { setTimeout as delay } from 'node:timers/promises';
import { ClipmeshError } from '@clipmesh/contracts';
import { type z } from 'zod';

export interface SharedEntry {
  readonly value: unknown;
  readonly revision: string;
}

/** What all replicas know together. Keys consist of letters, digits and `-_/=.`; values are JSON. */
export interface SharedState {
  get(key: string): Promise<SharedEntry | undefined>;
  /** Compare-and-set; without a revision the key must not exist. Resolves with undefined when another was faster. */
  save(key: string, value: unknown, revision: string | undefined): Promise<SharedEntry | undefined>;
  /** Tells what keys below `prefix.` hold, now and whenever it changes, until the returned function is called. */
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
 * Changes one value by compare-and-set: 8 tries, with growing random pauses while others are faster. A step that keeps the
 * state writes nothing. Throws when the store is away or the value stays contended; never lasts longer than about 17 s.
 */
export async function changeShared<S, R>(
  store: SharedState,
  key: string,
  schema: z.ZodType<S>,
  step: (state: S | undefined) => { readonly state: S | undefined; readonly result: R },
): Promise<R> {
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const entry = await inTime(store.get(key));
    // What cannot be read was written by another version: it is replaced.
    const current = schema.safeParse(entry?.value).data;
    const { state, result } = step(current);
    if (state === undefined || state === current) return result;
    if ((await inTime(store.save(key, state, entry?.revision))) !== undefined) return result;
    await delay(Math.random() * FIRST_PAUSE_MS * 2 ** attempt);
  }
  throw new ClipmeshError('STORE_UNAVAILABLE', `${key} is too contended`);
}
