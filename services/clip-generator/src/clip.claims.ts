import { type Attempt } from '@clipmesh/persistence';
import { type PredictionState, type PurchaseSearch } from '@clipmesh/providers';
import { type StoredPurchase } from './attempt.rules.js';
import { type ClipDeps } from './clip.parts.js';

/** No key of a client's own has a line break. */
const claimKey = (predictionId: string): string => `prediction\n${predictionId}`;

/**
 * Makes a prediction this purchase's own; false when it is another's. Two purchases of the same clip cannot tell their
 * predictions apart at the provider, so each prediction belongs to whoever claims it first, and to nobody else.
 */
export async function claimPrediction(
  { claims }: Pick<ClipDeps, 'claims'>,
  { key, generationId }: Attempt,
  predictionId: string,
): Promise<boolean> {
  const { fingerprint } = await claims.claim(claimKey(predictionId), key, generationId);
  return fingerprint === key;
}

/**
 * Chooses among the predictions that may be this purchase's, the oldest first. The one that it claimed before is the one. Any
 * other is taken only when the purchase's own call cannot be under way any more: until then its answer may come, and a second
 * prediction would be left over.
 */
export function adoptFor(
  deps: Pick<ClipDeps, 'claims'>,
  { value }: StoredPurchase,
  certain: boolean,
): PurchaseSearch['adopt'] {
  return async (candidates) => {
    const owners = await Promise.all(candidates.map(({ id }) => deps.claims.peek(claimKey(id))));
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
  purchase: Attempt,
  candidates: readonly PredictionState[],
): Promise<PredictionState | undefined> {
  for (const candidate of candidates) if (await claimPrediction(deps, purchase, candidate.id)) return candidate;
  return undefined;
}
