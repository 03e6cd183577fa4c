import { setTimeout as sleep } from 'node:timers/promises';
import { ClipmeshError } from '@clipmesh/contracts';
import { type Lines } from './account.js';

interface Kept<A> {
  value: A;
  revision: string;
}
/** What the book needs of a store of accounts; its errors carry `code`: `CONFLICT`, `ALREADY_EXISTS`. */
export interface AccountBookStore<A> {
  get(owner: string, period: string): Promise<Kept<A> | undefined>;
  create(account: A): Promise<Kept<A>>;
  save(account: A, revision: string): Promise<Kept<A>>;
}
type Stored = Lines & { owner: string; period: string };

/** Times a change is decided anew because others were first: several hundred callers at once all get their turn. */
const MOST_CONFLICTS = 2000;
/** Longest pause between two tries, ms; each is drawn from it. */
const PAUSE_MS = 20;

const lost = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'CONFLICT' || error.code === 'ALREADY_EXISTS');

/**
 * Changes an account atomically. `change` decides on the newest state and may be called many times; undefined, or the
 * account it was given, saves nothing. Throws `STORE_UNAVAILABLE` when others were always first.
 */
export async function changeAccount<A extends Stored>(
  store: AccountBookStore<A>,
  empty: A,
  change: (account: A) => A | undefined,
): Promise<void> {
  const { owner, period } = empty;
  for (let conflicts = 0; conflicts < MOST_CONFLICTS; conflicts += 1) {
    const found = await store.get(owner, period);
    const before = found?.value ?? empty;
    const after = change(before);
    if (after === undefined || after === before) return;
    try {
      await (found === undefined ? store.create(after) : store.save(after, found.revision));
      return;
    } catch (error) {
      if (!lost(error)) throw error;
    }
    await sleep(Math.random() * PAUSE_MS);
  }
  throw new ClipmeshError('STORE_UNAVAILABLE', `the account of ${owner} was changed by others ${MOST_CONFLICTS} times`);
}
