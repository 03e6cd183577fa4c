import { type Charge, type DomainEvent } from '@clipmesh/contracts';
import { type AccountUpdateStores, keepAccount } from './account.update.js';
import { type LedgerCharge } from './ledger.summary.js';

/** The stores that {@link recordCharges} needs. */
export type ChargeStores = Omit<AccountUpdateStores, 'ledger'> & {
  readonly ledger: {
    /** Adds an entry once per generation and key. False: the entry exists already. */
    append(entry: Charge & { generationId: string; owner: string; at: string }): Promise<boolean>;
    entries(generationId: string): Promise<readonly Pick<LedgerCharge, 'key' | 'amountMicros' | 'owner' | 'at'>[]>;
  };
};

/** Events that may release a reservation although they have no charges. */
const RELEASING: ReadonlySet<string> = new Set([
  'clip.abandoned',
  'plan.abandoned',
  'generation.succeeded',
  'generation.failed',
  'generation.canceled',
]);

/** Whether the event may release a reservation: it ends a generation or a purchase, or finishes a draft. */
const mayRelease = ({ name, body }: DomainEvent): boolean =>
  RELEASING.has(name) || (name === 'generation.progressed' && body.status === 'awaiting_approval');

/**
 * Adds each charge of an event to the ledger once, by charge key, then updates the account of the owner. Safe to repeat. An
 * adjustment gets the owner and the time of its charge, so that the usage of no day is negative. `onNew` is called for each charge that was not in
 * the ledger.
 */
export async function recordCharges(
  stores: ChargeStores,
  event: DomainEvent,
  onNew: (charge: Charge) => void = () => undefined,
): Promise<void> {
  const { body } = event;
  if (body.charges.length === 0 && !mayRelease(event)) return;
  const { generationId, at } = body;
  const owner = (await stores.generations.get(generationId))?.value.owner ?? 'unknown';
  const append = async (charge: Charge, of: { owner: string; at: string }): Promise<void> => {
    if (await stores.ledger.append({ ...charge, generationId, owner: of.owner, at: of.at })) onNew(charge);
  };
  const adjustments = body.charges.filter(({ kind }) => kind === 'adjustment');
  for (const charge of body.charges) if (charge.kind !== 'adjustment') await append(charge, { owner, at });
  if (adjustments.length > 0) {
    const entries = new Map((await stores.ledger.entries(generationId)).map((entry) => [entry.key, entry]));
    for (const one of adjustments) await append(one, entries.get(one.adjusts ?? '') ?? { owner, at });
  }
  await keepAccount(stores, event);
}
