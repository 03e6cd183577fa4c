import { ConflictError, type Purchase, type PurchaseStore } from '@clipmesh/persistence';
import { type Clock } from '@clipmesh/messaging';
import { isoNow } from '../clip/purchase.repository.js';
import { type StoredPurchase } from '../clip/purchase.rules.js';

interface RecordDeps {
  readonly purchases: PurchaseStore;
  readonly clock: Clock;
}

/** The purchases of a scene's speech. */
export async function speechPurchases(
  { purchases }: Pick<RecordDeps, 'purchases'>,
  generationId: string,
  scene: number,
): Promise<StoredPurchase[]> {
  const all = await purchases.list(generationId);
  return all.filter(({ value }) => value.kind === 'speech' && value.scene === scene);
}

/** Saves a change of a purchase. Returns the stored one when another process changed it first. */
export async function saveSpeech(
  { purchases, clock }: RecordDeps,
  entry: StoredPurchase,
  change: Partial<Purchase>,
): Promise<StoredPurchase> {
  const updatedAt = isoNow({ clock });
  try {
    return await purchases.save({ ...entry.value, ...change, updatedAt }, entry.revision);
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
    return (await purchases.get(entry.value.generationId, entry.value.key)) ?? entry;
  }
}
