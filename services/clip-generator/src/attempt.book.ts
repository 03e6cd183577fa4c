import { ClipmeshError } from '@clipmesh/contracts';
import { ConflictError } from '@clipmesh/persistence';
import { clipRequestSchema } from '@clipmesh/providers';
import { type Entry } from './attempt.rules.js';
import { type Bought, chargeIn, chargesOf } from './clip.charges.js';
import { type ClipParts } from './clip.parts.js';

export const isoNow = ({ clock }: Pick<ClipParts, 'clock'>): string => new Date(clock.now()).toISOString();

/**
 * Saves a change of an attempt; one that another replica has changed meanwhile is changed on top of that. What the canceler
 * has settled stays so, unless it is finished after all. Throws `CANCELED` for a purchase whose attempt was settled by then, or
 * was removed with its generation; what was bought under it is canceled.
 */
export async function advance(parts: ClipParts, entry: Entry, change: Partial<Entry['value']>): Promise<Entry> {
  let current = entry;
  for (;;) {
    try {
      return await parts.attempts.save({ ...current.value, ...change, updatedAt: isoNow(parts) }, current.revision);
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
      const { generationId, key } = entry.value;
      const found = await parts.attempts.get(generationId, key);
      if (found === undefined) {
        if (change.predictionId !== undefined) await parts.provider.cancel(change.predictionId);
        throw new ClipmeshError('CANCELED', `${key} is gone: its generation was removed`, { cause: error });
      }
      current = found;
      const { predictionId: theirs } = current.value;
      if (theirs !== undefined && change.predictionId !== undefined && theirs !== change.predictionId) {
        parts.logger.error({ generationId, key, theirs, ours: change.predictionId }, 'bought twice; ours is canceled');
        await parts.provider.cancel(change.predictionId);
        return current;
      }
      if (current.value.status === 'finished') return current;
      if (current.value.status === 'canceled' && (change.status === 'failed' || change.status === 'unanswered'))
        return current;
      if (current.value.status === 'canceled' && change.status === 'submitted') {
        if (theirs === undefined) await stopLate(parts, current, change.predictionId ?? '');
        throw new ClipmeshError('CANCELED', `${key} was settled already: its generation is canceled`, { cause: error });
      }
    }
  }
}

/** The canceler looked in vain for a purchase that has come to light since. */
async function stopLate(parts: ClipParts, entry: Entry, predictionId: string): Promise<void> {
  const charges = chargesOf(boughtOf(entry), await parts.provider.cancel(predictionId));
  await advance(parts, entry, { status: 'canceled', predictionId, ...chargeIn(charges) });
}

/** What was bought under an attempt: the next model may end up with the former model's clip. */
export function boughtOf({ value }: Entry): Bought {
  const { durationSeconds } = clipRequestSchema.parse(value.request);
  return { model: value.model, scene: value.scene ?? 0, durationSeconds };
}
