import { type DomainEvent, isDrafted, isFinal } from '@clipmesh/contracts';
import { maxTotalMicros } from './account.bound.js';
import { observe, settle, spendingOf } from './account.js';
import { changeAccount } from './account.repository.js';
import { type BudgetStores } from './budget.stores.js';

/** The stores that {@link keepAccount} needs. */
export type AccountUpdateStores = Pick<BudgetStores, 'accounts' | 'purchases' | 'ledger'> & {
  readonly generations: Pick<BudgetStores['generations'], 'get'>;
};

/**
 * Updates the account of the owner after the charges of an event are in the ledger: sets the spending to the sums of the ledger,
 * and releases the unused reservation of a finished generation or draft. Idempotent; late and repeated events change nothing.
 *
 * Reads the generation after the ledger write. If it ends concurrently, either its final event sees the charges in the ledger,
 * or this call sees the final status.
 */
export async function keepAccount(
  { accounts, purchases, generations, ledger }: AccountUpdateStores,
  { body }: DomainEvent,
): Promise<void> {
  const record = (await generations.get(body.generationId))?.value;
  if (record?.account === undefined) return;
  const { id, owner, state } = record;
  const over = isFinal(state.status) || isDrafted(state);
  if (!over && body.charges.length === 0) return;
  // Reads purchases before the ledger: a charge of a settled purchase is then in the ledger or still unsettled.
  const known = over ? (await purchases.list(id)).map(({ value }) => value) : [];
  const entries = await ledger.entries(id);
  const spent = spendingOf(entries);
  const end = { run: state.run, ...spent, maxMicros: maxTotalMicros(state, known, entries) };
  await changeAccount(accounts, { owner, period: record.account.period, generations: {} }, id, (account) =>
    over ? settle(account, id, end) : observe(account, id, spent),
  );
}
