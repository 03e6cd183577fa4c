import { ClipmeshError } from '@clipmesh/contracts';
import { ConflictError } from '@clipmesh/persistence';
import { clipRequestSchema } from '@clipmesh/providers';
import { type StoredPurchase } from './purchase.rules.js';
import { chargeIn, chargesOf, type PurchasedClip } from './clip.charges.js';
import { type ClipDeps } from './clip.deps.js';

export const isoNow = ({ clock }: Pick<ClipDeps, 'clock'>): string => new Date(clock.now()).toISOString();

/**
 * Saves a change of a purchase, on top of concurrent changes by other replicas. A canceled purchase stays canceled, unless
 * the change finishes it. Throws `CANCELED` when the purchase was canceled or removed in the meantime, after canceling its
 * prediction.
 */
export async function updatePurchase(
  deps: ClipDeps,
  entry: StoredPurchase,
  change: Partial<StoredPurchase['value']>,
): Promise<StoredPurchase> {
  let current = entry;
  for (;;) {
    try {
      return await deps.purchases.save({ ...current.value, ...change, updatedAt: isoNow(deps) }, current.revision);
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
      const { generationId, key } = entry.value;
      const found = await deps.purchases.get(generationId, key);
      if (found === undefined) {
        if (change.predictionId !== undefined) await deps.provider.cancel(change.predictionId);
        throw new ClipmeshError('CANCELED', `purchase ${key} does not exist any more: its generation was removed`, {
          cause: error,
        });
      }
      current = found;
      const { predictionId: theirs } = current.value;
      if (theirs !== undefined && change.predictionId !== undefined && theirs !== change.predictionId) {
        deps.logger.error(
          { generationId, key, theirs, ours: change.predictionId },
          'clip bought twice; canceling our prediction',
        );
        await deps.provider.cancel(change.predictionId);
        return current;
      }
      if (current.value.status === 'finished') return current;
      if (current.value.status === 'canceled' && (change.status === 'failed' || change.status === 'unanswered'))
        return current;
      if (current.value.status === 'canceled' && change.status === 'submitted') {
        if (theirs === undefined) await cancelLate(deps, current, change.predictionId ?? '');
        throw new ClipmeshError('CANCELED', `purchase ${key} was settled before: its generation is canceled`, {
          cause: error,
        });
      }
    }
  }
}

/** Cancels a prediction that appeared after the canceler had settled its purchase. */
async function cancelLate(deps: ClipDeps, entry: StoredPurchase, predictionId: string): Promise<void> {
  const charges = chargesOf(deps.provider, purchasedClipOf(entry), await deps.provider.cancel(predictionId));
  await updatePurchase(deps, entry, { status: 'canceled', predictionId, ...chargeIn(charges) });
}

/** What a purchase bought. It may be a previous model's clip that the next model adopted. */
export function purchasedClipOf({ value }: StoredPurchase): PurchasedClip {
  const { durationSeconds } = clipRequestSchema.parse(value.request);
  return { model: value.model, scene: value.scene ?? 0, durationSeconds };
}
