import { type ConflictRetry, retryOnConflict, type Versioned } from '@clipmesh/contracts';
import { type AccountLine, type AccountLines, moveIn, moveOut, type SettledLine, surplusOf } from './account.js';

/** The account store that {@link changeAccount} needs. */
export interface AccountLineStore<A> {
  get(owner: string, period: string): Promise<Versioned<A> | undefined>;
  /** Throws `AlreadyExistsError`. */
  create(account: A): Promise<Versioned<A>>;
  /** Compare-and-set. Throws `ConflictError`. */
  save(account: A, revision: string): Promise<Versioned<A>>;
  /** How many settled lines stay in an account. Each further one has a record of its own. */
  readonly settledLines: number;
  settled(owner: string, period: string, generationId: string): Promise<SettledLine | undefined>;
  /** Stores the larger value of each field. Safe to repeat, in any order. */
  saveSettled(line: SettledLine & { owner: string; period: string; generationId: string }): Promise<void>;
}
type Stored = AccountLines & { owner: string; period: string };
type AccountId = Pick<Stored, 'owner' | 'period'>;

/** All generations of an owner write one account. Enough for several hundred concurrent callers. */
const CONTENDED: ConflictRetry = { maxConflicts: 100, maxPauseMs: 2000 };

/**
 * Changes a generation's line in an account atomically. `change` receives the newest state, including the generation's line
 * wherever it is stored, and may be called many times. It saves nothing when it returns undefined or the same account.
 * Throws `STORE_UNAVAILABLE` after 100 write conflicts.
 *
 * An account has a bounded number of settled lines. Surplus lines are first written to records of their own, then removed
 * from the account in one compare-and-set that adds them to `settledMicros`. So a line in the account counts there, whatever
 * its own record says, and any other line counts in `settledMicros` with exactly the amount in its record.
 */
export async function changeAccount<A extends Stored>(
  store: AccountLineStore<A>,
  empty: A,
  id: string,
  change: (account: A) => A | undefined,
): Promise<void> {
  const { owner, period } = empty;
  const changeOnce = async (): Promise<void> => {
    const found = await store.get(owner, period);
    const before = await withLineOf(store, found?.value ?? empty, id);
    const after = change(before);
    if (after === undefined || after === before) return;
    await moveSurplus(store, await (found === undefined ? store.create(after) : store.save(after, found.revision)));
  };
  await retryOnConflict(`the account of ${owner}`, changeOnce, CONTENDED);
}

/** An owner's account with the line of a generation, wherever that is stored. For decisions that save nothing. */
export async function readAccount<A extends Stored>(store: AccountLineStore<A>, empty: A, id: string): Promise<A> {
  return withLineOf(store, (await store.get(empty.owner, empty.period))?.value ?? empty, id);
}

/** The line of a generation, wherever it is stored. */
export async function lineOf<A extends Stored>(
  store: AccountLineStore<A>,
  empty: A & AccountId,
  id: string,
): Promise<AccountLine | undefined> {
  return (await readAccount(store, empty, id)).generations[id];
}

async function withLineOf<A extends Stored>(store: AccountLineStore<A>, account: A, id: string): Promise<A> {
  if (account.generations[id] !== undefined) return account;
  const settled = await store.settled(account.owner, account.period, id);
  return settled === undefined ? account : moveIn(account, id, settled);
}

/** The change is already saved: after a failure or a conflict, the next change moves the surplus. */
async function moveSurplus<A extends Stored>(
  store: AccountLineStore<A>,
  { value, revision }: Versioned<A>,
): Promise<void> {
  const ids = surplusOf(value, store.settledLines);
  if (ids.length === 0) return;
  const { owner, period } = value;
  try {
    await Promise.all(
      ids.map((generationId) => {
        const { spentMicros = 0, creditMicros, run = 0 } = value.generations[generationId] ?? {};
        const credit = creditMicros === undefined ? {} : { creditMicros };
        return store.saveSettled({ owner, period, generationId, spentMicros, ...credit, run });
      }),
    );
    await store.save(moveOut(value, ids), revision);
  } catch {
    // The lines are still in the account.
  }
}
