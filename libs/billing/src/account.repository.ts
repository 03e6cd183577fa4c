import { setTimeout as sleep } from 'node:timers/promises';
import { ClipmeshError } from '@clipmesh/contracts';
import { type AccountLine, type AccountLines, moveIn, moveOut, type SettledLine, surplusOf } from './account.js';

interface VersionedAccount<A> {
  value: A;
  revision: string;
}
/** The account store that {@link changeAccount} needs. Its errors have a `code`: `CONFLICT` or `ALREADY_EXISTS`. */
export interface AccountLineStore<A> {
  get(owner: string, period: string): Promise<VersionedAccount<A> | undefined>;
  create(account: A): Promise<VersionedAccount<A>>;
  save(account: A, revision: string): Promise<VersionedAccount<A>>;
  /** How many settled lines stay in an account. Each further one has a record of its own. */
  readonly settledLines: number;
  settled(owner: string, period: string, generationId: string): Promise<SettledLine | undefined>;
  /** Stores the larger value of each field. Safe to repeat, in any order. */
  saveSettled(line: SettledLine & { owner: string; period: string; generationId: string }): Promise<void>;
}
type Stored = AccountLines & { owner: string; period: string };
type AccountId = Pick<Stored, 'owner' | 'period'>;

/** Retries of a change after write conflicts. Enough for several hundred concurrent callers. */
const MAX_CONFLICTS = 2000;
/** Upper bound of the random pause between two tries, ms. */
const MAX_PAUSE_MS = 20;

const isWriteConflict = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'CONFLICT' || error.code === 'ALREADY_EXISTS');

/**
 * Changes a generation's line in an account atomically. `change` receives the newest state, including the generation's line
 * wherever it is stored, and may be called many times. It saves nothing when it returns undefined or the same account.
 * Throws `STORE_UNAVAILABLE` after 2000 write conflicts.
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
  for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts += 1) {
    const found = await store.get(owner, period);
    const before = await withLineOf(store, found?.value ?? empty, id);
    const after = change(before);
    if (after === undefined || after === before) return;
    try {
      const saved = await (found === undefined ? store.create(after) : store.save(after, found.revision));
      await moveSurplus(store, saved);
      return;
    } catch (error) {
      if (!isWriteConflict(error)) throw error;
    }
    await sleep(Math.random() * MAX_PAUSE_MS);
  }
  throw new ClipmeshError('STORE_UNAVAILABLE', `the account of ${owner} had ${MAX_CONFLICTS} write conflicts in a row`);
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
  { value, revision }: VersionedAccount<A>,
): Promise<void> {
  const ids = surplusOf(value, store.settledLines);
  if (ids.length === 0) return;
  const { owner, period } = value;
  try {
    await Promise.all(
      ids.map((generationId) => {
        const { spentMicros = 0, run = 0 } = value.generations[generationId] ?? {};
        return store.saveSettled({ owner, period, generationId, spentMicros, run });
      }),
    );
    await store.save(moveOut(value, ids), revision);
  } catch {
    // The lines are still in the account.
  }
}
