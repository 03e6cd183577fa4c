import { ClipmeshError } from '@clipmesh/contracts';
import { ConflictError } from '@clipmesh/persistence';
import { clipRequestSchema } from '@clipmesh/providers';
import { type StoredPurchase } from './attempt.rules.js';
import { type PurchasedClip, chargeIn, chargesOf } from './clip.charges.js';
import { type ClipDeps } from './clip.parts.js';

export const isoNow = ({ clock }: Pick<ClipDeps, 'clock'>): string => new Date(clock.now()).toISOString();

/**
 * Saves a change of an attempt; one that another replica has changed meanwhile is changed on top of that. What the canceler
 * has settled stays so, unless it is finished after all. Throws `CANCELED` for a purchase whose attempt was settled by then, or
 * was removed with its generation; what was bought under it is canceled.
 */
export async function updatePurchase(deps: ClipDeps, entry: StoredPurchase, change: Partial<StoredPurchase['value']>): Promise<StoredPurchase> {
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
        throw new ClipmeshError('CANCELED', `${key} is gone: its generation was removed`, { cause: error });
      }
      current = found;
      const { predictionId: theirs } = current.value;
      if (theirs !== undefined && change.predictionId !== undefined && theirs !== change.predictionId) {
        deps.logger.error({ generationId, key, theirs, ours: change.predictionId }, 'bought twice; ours is canceled');
        await deps.provider.cancel(change.predictionId);
        return current;
      }
      if (current.value.status === 'finished') return current;
      if (current.value.status === 'canceled' && (change.status === 'failed' || change.status === 'unanswered'))
        return current;
      if (current.value.status === 'canceled' && change.status === 'submitted') {
        if (theirs === undefined) await cancelLate(deps, current, change.predictionId ?? '');
        throw new ClipmeshError('CANCELED', `${key} was settled already: its generation is canceled`, { cause: error });
      }
    }
  }
}

/** The canceler looked in vain for a purchase that has come to light since. */
async function cancelLate(deps: ClipDeps, entry: StoredPurchase, predictionId: string): Promise<void> {
  const charges = chargesOf(purchasedClipOf(entry), await deps.provider.cancel(predictionId));
  await updatePurchase(deps, entry, { status: 'canceled', predictionId, ...chargeIn(charges) });
}

/** What was bought under an attempt: the next model may end up with the former model's clip. */
export function purchasedClipOf({ value }: StoredPurchase): PurchasedClip {
  const { durationSeconds } = clipRequestSchema.parse(value.request);
  return { model: value.model, scene: value.scene ?? 0, durationSeconds };
}
