import { type Charge, type DomainEvent } from '@clipmesh/contracts';
import { type AccountUpdateStores, keepAccount } from './account.update.js';

/** The stores that {@link recordCharges} needs. */
export type ChargeStores = AccountUpdateStores & {
  readonly ledger: {
    /** Adds an entry once per generation and key. False: the entry exists already. */
    append(entry: Charge & { generationId: string; owner: string; at: string }): Promise<boolean>;
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

/**
 * Adds each charge of an event to the ledger once, by charge key, then updates the account of the owner. Safe to repeat.
 * `onNew` is called for each charge that was not in the ledger.
 */
export async function recordCharges(
  stores: ChargeStores,
  event: DomainEvent,
  onNew: (charge: Charge) => void = () => undefined,
): Promise<void> {
  const { body, name } = event;
  if (body.charges.length === 0 && !RELEASING.has(name)) return;
  const { generationId, at } = body;
  const owner = (await stores.generations.get(generationId))?.value.owner ?? 'unknown';
  for (const charge of body.charges)
    if (await stores.ledger.append({ ...charge, generationId, owner, at })) onNew(charge);
  await keepAccount(stores, event);
}
