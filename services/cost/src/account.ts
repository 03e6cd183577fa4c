import { type DomainEvent, isFinal } from '@clipmesh/contracts';
import { type Stores } from '@clipmesh/persistence';
import { changeAccount, maxTotalMicros, observe, settle } from '@clipmesh/pipeline';

/**
 * Brings the owner's account up to date once the charges of an event are in the ledger: what was spent is the sum of the
 * ledger, and what an ended generation can no longer spend is free again. Late or repeated events change nothing.
 *
 * The generation is read after the charges were booked: should it end at this moment, either its last event finds them
 * booked, or this finds it ended.
 */
export async function keepAccount(
  { accounts, purchases, generations, ledger }: Pick<Stores, 'accounts' | 'purchases' | 'generations' | 'ledger'>,
  { body }: DomainEvent,
): Promise<void> {
  const record = (await generations.get(body.generationId))?.value;
  if (record?.account === undefined) return;
  const { id, owner, state } = record;
  const over = isFinal(state.status);
  if (!over && body.charges.length === 0) return;
  // The purchases first: what is settled among them by then is in the ledger, or still owed to it.
  const known = over ? (await purchases.list(id)).map(({ value }) => value) : [];
  const entries = await ledger.entries(id);
  const spentMicros = entries.reduce((sum, { amountMicros }) => sum + amountMicros, 0);
  const end = { run: state.run, spentMicros, maxMicros: maxTotalMicros(state, known, entries) };
  await changeAccount(accounts, { owner, period: record.account.period, generations: {} }, id, (account) =>
    over ? settle(account, id, end) : observe(account, id, spentMicros),
  );
}
