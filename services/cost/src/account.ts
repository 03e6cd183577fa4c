import { type DomainEvent, type GenerationRecord } from '@clipmesh/contracts';
import { type AccountStore, type LedgerStore } from '@clipmesh/persistence';
import { changeAccount, observe, settle } from '@clipmesh/pipeline';

/** Whether the event ends the run that the generation's reservation was last made for. */
function ends(event: DomainEvent, { account }: GenerationRecord): boolean {
  const { name, body } = event;
  if (name !== 'generation.succeeded' && name !== 'generation.failed' && name !== 'generation.canceled') return false;
  return account !== undefined && body.run >= account.run;
}

/**
 * Brings the owner's account up to date after an event: what was spent is the sum of the ledger, and what an ended
 * generation did not spend is free again. Late or repeated events change nothing.
 */
export async function keepAccount(
  { accounts, ledger }: { accounts: AccountStore; ledger: LedgerStore },
  record: GenerationRecord | undefined,
  event: DomainEvent,
): Promise<void> {
  if (record?.account === undefined) return;
  const over = ends(event, record);
  if (!over && event.body.charges.length === 0) return;
  const { id, owner } = record;
  const spent = (await ledger.entries(id)).reduce((sum, { amountMicros }) => sum + amountMicros, 0);
  await changeAccount(accounts, { owner, period: record.account.period, generations: {} }, (account) =>
    over ? settle(account, id, spent) : observe(account, id, spent),
  );
}
