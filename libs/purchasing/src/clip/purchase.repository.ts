import { type Charge, ClipmeshError, retryOnConflict } from '@clipmesh/contracts';
import { type ClipProvider, clipRequestSchema, type PredictionState, providerOf } from '@clipmesh/providers';
import { type StoredPurchase } from './purchase.rules.js';
import { chargesIn } from '@clipmesh/billing';
import { chargeIn, chargesOf, corrected, type PurchasedClip } from './clip.charges.js';
import { type ClipDeps } from './clip.deps.js';

export const isoNow = ({ clock }: Pick<ClipDeps, 'clock'>): string => new Date(clock.now()).toISOString();

/** The purchases of clips of a generation. */
export async function clipPurchases(
  { purchases }: Pick<ClipDeps, 'purchases'>,
  generationId: string,
): Promise<StoredPurchase[]> {
  return (await purchases.list(generationId)).filter(({ value }) => value.kind === 'clip');
}

/** The provider of a purchase. Throws `PROVIDER_BAD_INPUT` when it is not configured. */
export const sellerOf = ({ providers }: Pick<ClipDeps, 'providers'>, { value }: StoredPurchase): ClipProvider =>
  providers.of(value.model, providerOf(value));

/** The charges of a purchase whose prediction has this final state. Those that it has already stay as they are. */
export const chargesFor = (deps: Pick<ClipDeps, 'models'>, entry: StoredPurchase, state: PredictionState): Charge[] =>
  chargesOf(deps, purchasedClipOf(entry), state, entry.value);

/**
 * Saves a change of a purchase, on top of concurrent changes by other replicas. A charge that the purchase has stays as it is; another
 * amount is an adjustment of it. A canceled purchase stays canceled, unless the change finishes it. Throws `CANCELED` when the purchase
 * was canceled or removed in the meantime, after canceling its prediction.
 */
export async function updatePurchase(
  deps: ClipDeps,
  entry: StoredPurchase,
  change: Partial<StoredPurchase['value']>,
): Promise<StoredPurchase> {
  const { generationId, key } = entry.value;
  let before: StoredPurchase | undefined = entry;
  return retryOnConflict(`purchase ${key} of generation ${generationId}`, async () => {
    const current = before ?? (await readChanged(deps, entry, change));
    before = undefined;
    if (current !== entry && (await isSettledBy(deps, current, change))) return current;
    const charges = change.charge === undefined ? {} : chargeIn(corrected(current.value, chargesIn(change)));
    return deps.purchases.save({ ...current.value, ...change, ...charges, updatedAt: isoNow(deps) }, current.revision);
  });
}

/** The purchase as another replica has changed it. Throws `CANCELED` when it was removed, after canceling its prediction. */
async function readChanged(
  deps: ClipDeps,
  entry: StoredPurchase,
  { predictionId }: Partial<StoredPurchase['value']>,
): Promise<StoredPurchase> {
  const { generationId, key, model } = entry.value;
  const found = await deps.purchases.get(generationId, key);
  if (found !== undefined) return found;
  if (predictionId !== undefined) await sellerOf(deps, entry).cancel({ id: predictionId, model });
  throw new ClipmeshError('CANCELED', `purchase ${key} does not exist any more: its generation was removed`);
}

/** Whether a concurrent change stands and ours is dropped. Throws `CANCELED` when the purchase was canceled. */
async function isSettledBy(
  deps: ClipDeps,
  current: StoredPurchase,
  { status, predictionId: ours }: Partial<StoredPurchase['value']>,
): Promise<boolean> {
  const { generationId, key, status: theirStatus, predictionId: theirs } = current.value;
  if (theirs !== undefined && ours !== undefined && theirs !== ours) {
    deps.logger.error({ generationId, key, theirs, ours }, 'clip bought twice; canceling our prediction');
    await sellerOf(deps, current).cancel({ id: ours, model: current.value.model });
    return true;
  }
  if (theirStatus === 'finished') return true;
  if (theirStatus !== 'canceled') return false;
  if (status === 'submitted') {
    if (theirs === undefined) await cancelLate(deps, current, ours ?? '');
    throw new ClipmeshError('CANCELED', `purchase ${key} was settled before: its generation is canceled`);
  }
  return status === 'failed' || status === 'unanswered';
}

/** Cancels a prediction that appeared after the canceler had settled its purchase. */
async function cancelLate(deps: ClipDeps, entry: StoredPurchase, predictionId: string): Promise<void> {
  const state = await sellerOf(deps, entry).cancel({ id: predictionId, model: entry.value.model });
  const charges = chargesFor(deps, entry, state);
  await updatePurchase(deps, entry, { status: 'canceled', predictionId, ...chargeIn(charges) });
}

/** What a purchase bought. It may be a previous model's clip that the next model adopted. */
export function purchasedClipOf({ value }: StoredPurchase): PurchasedClip {
  const { durationSeconds, clipSound } = clipRequestSchema.parse(value.request);
  return {
    provider: providerOf(value),
    model: value.model,
    scene: value.scene ?? 0,
    durationSeconds,
    sound: clipSound ?? true,
  };
}
