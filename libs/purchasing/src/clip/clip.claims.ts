import { type Purchase } from '@clipmesh/persistence';
import { type PredictionState, providerOf, type PurchaseSearch } from '@clipmesh/providers';
import { type StoredPurchase } from './purchase.rules.js';
import { type ClipDeps } from './clip.deps.js';

/** The line breaks keep the key apart from the clients' idempotency keys. Ids are unique in one provider only. */
const claimKey = (provider: string, predictionId: string): string =>
  ['prediction', ...(provider === 'replicate' ? [] : [provider]), predictionId].join('\n');

/**
 * Claims a prediction for a purchase; false when another purchase has it. Two purchases of the same clip cannot distinguish
 * their predictions at the provider, so each prediction belongs to the purchase that claims it first.
 */
export async function claimPrediction(
  { claims }: Pick<ClipDeps, 'claims'>,
  purchase: Purchase,
  predictionId: string,
): Promise<boolean> {
  const { key, generationId } = purchase;
  const { fingerprint } = await claims.claim(claimKey(providerOf(purchase), predictionId), key, generationId);
  return fingerprint === key;
}

/**
 * Chooses among the predictions that may belong to a purchase, the oldest first. Prefers the one that it claimed before. It
 * claims another one only when `certain`: while the purchase's own call may be in progress, its answer may still arrive, and
 * a second prediction would be left over.
 */
export function adoptFor(
  deps: Pick<ClipDeps, 'claims'>,
  { value }: StoredPurchase,
  certain: boolean,
): PurchaseSearch['adopt'] {
  return async (candidates) => {
    const owners = await Promise.all(candidates.map(({ id }) => deps.claims.peek(claimKey(providerOf(value), id))));
    const own = candidates.find((_, at) => owners[at]?.fingerprint === value.key);
    if (own !== undefined || !certain) return own;
    return claimFirst(
      deps,
      value,
      candidates.filter((_, at) => owners[at] === undefined),
    );
  };
}

async function claimFirst(
  deps: Pick<ClipDeps, 'claims'>,
  purchase: Purchase,
  candidates: readonly PredictionState[],
): Promise<PredictionState | undefined> {
  for (const candidate of candidates) if (await claimPrediction(deps, purchase, candidate.id)) return candidate;
  return undefined;
}
