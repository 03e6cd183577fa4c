import { setTimeout as sleep } from 'node:timers/promises';
import { ClipmeshError } from '@clipmesh/contracts';
import { type AccountLine, type Lines, moveIn, moveOut, type SettledLine, surplusOf } from './account.js';

interface Kept<A> {
  value: A;
  revision: string;
}
/** What the book needs of a store of accounts; its errors carry `code`: `CONFLICT`, `ALREADY_EXISTS`. */
export interface AccountBookStore<A> {
  get(owner: string, period: string): Promise<Kept<A> | undefined>;
  create(account: A): Promise<Kept<A>>;
  save(account: A, revision: string): Promise<Kept<A>>;
  /** Settled lines that an account keeps; the rest are kept one by one. */
  readonly settledLines: number;
  settled(owner: string, period: string, generationId: string): Promise<SettledLine | undefined>;
  /** Keeps the larger of what is there and this, field by field: safe to repeat, and in any order. */
  keepSettled(line: SettledLine & { owner: string; period: string; generationId: string }): Promise<void>;
}
type Stored = Lines & { owner: string; period: string };
type AccountId = Pick<Stored, 'owner' | 'period'>;

/** Times a change is decided again because others were first: several hundred callers at once all get their turn. */
const MOST_CONFLICTS = 2000;
/** Longest pause between two tries, ms; each is drawn from it. */
const PAUSE_MS = 20;

const lost = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'CONFLICT' || error.code === 'ALREADY_EXISTS');

/**
 * Changes a generation's line in an account atomically. `change` decides on the newest state, which has the generation's
 * line wherever that is kept, and may be called many times; undefined, or the account it was given, saves nothing. Throws
 * `STORE_UNAVAILABLE` when others were always first.
 *
 * An account keeps a bounded number of settled lines. A surplus is written to records of their own first, then leaves the
 * account in one compare-and-set, which adds it to `settledMicros`. So a line that is in the account counts there, whatever
 * its own record says, and one that is not counts in `settledMicros` with exactly what its record says.
 */
export async function changeAccount<A extends Stored>(
  store: AccountBookStore<A>,
  empty: A,
  id: string,
  change: (account: A) => A | undefined,
): Promise<void> {
  const { owner, period } = empty;
  for (let conflicts = 0; conflicts < MOST_CONFLICTS; conflicts += 1) {
    const found = await store.get(owner, period);
    const before = await withLineOf(store, found?.value ?? empty, id);
    const after = change(before);
    if (after === undefined || after === before) return;
    try {
      const saved = await (found === undefined ? store.create(after) : store.save(after, found.revision));
      await moveSurplus(store, saved);
      return;
    } catch (error) {
      if (!lost(error)) throw error;
    }
    await sleep(Math.random() * PAUSE_MS);
  }
  throw new ClipmeshError('STORE_UNAVAILABLE', `the account of ${owner} was changed by others ${MOST_CONFLICTS} times`);
}

/** The account of an owner with the line of a generation, wherever that is kept; for a decision that saves nothing. */
export async function readAccount<A extends Stored>(store: AccountBookStore<A>, empty: A, id: string): Promise<A> {
  return withLineOf(store, (await store.get(empty.owner, empty.period))?.value ?? empty, id);
}

/** The line of a generation, wherever it is kept. */
export async function lineOf<A extends Stored>(
  store: AccountBookStore<A>,
  empty: A & AccountId,
  id: string,
): Promise<AccountLine | undefined> {
  return (await readAccount(store, empty, id)).generations[id];
}

async function withLineOf<A extends Stored>(store: AccountBookStore<A>, account: A, id: string): Promise<A> {
  if (account.generations[id] !== undefined) return account;
  const settled = await store.settled(account.owner, account.period, id);
  return settled === undefined ? account : moveIn(account, id, settled);
}

/** The change is saved by now: a move that fails, or meets another change, is left to the next one. */
async function moveSurplus<A extends Stored>(store: AccountBookStore<A>, { value, revision }: Kept<A>): Promise<void> {
  const ids = surplusOf(value, store.settledLines);
  if (ids.length === 0) return;
  const { owner, period } = value;
  try {
    await Promise.all(
      ids.map((generationId) => {
        const { spentMicros = 0, run = 0 } = value.generations[generationId] ?? {};
        return store.keepSettled({ owner, period, generationId, spentMicros, run });
      }),
    );
    await store.save(moveOut(value, ids), revision);
  } catch {
    // Nothing is lost: the lines are still in the account.
  }
}
