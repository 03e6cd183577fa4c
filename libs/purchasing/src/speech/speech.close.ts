import { ClipmeshError } from '@clipmesh/contracts';
import { ConflictError, type PurchaseStore } from '@clipmesh/persistence';
import { type Clock } from '@clipmesh/messaging';
import { isoNow } from '../clip/purchase.repository.js';
import { afterUnknowable, type StoredPurchase } from '../clip/purchase.rules.js';
import { assumedSpeechCharge } from './speech.charges.js';
import { saveSpeech } from './speech.repository.js';
import { callEndsAtMs } from './speech.rules.js';
import { type BuyContext } from './speech.submit.js';

/**
 * Fails a purchase whose outcome its provider cannot say, and charges it. Returns when the speech may be bought once more, or when
 * another process settled the purchase. Throws `PROVIDER_UNAVAILABLE`, not retryable, when it may not. A purchase that costs nothing
 * is repeated without a limit.
 */
export async function closeUnknown(
  { deps, order }: BuyContext,
  entry: StoredPurchase,
  entries: readonly StoredPurchase[],
): Promise<void> {
  const { key, generationId, provider, scene } = entry.value;
  const { attempt } = order;
  const charge = assumedSpeechCharge(entry.value);
  const next = charge === undefined ? 'rebuy' : afterUnknowable(entries, order, deps.unknownPurchases);
  const text = `${provider ?? 'the provider'} cannot say whether it made the speech of purchase ${key}`;
  const failure = new ClipmeshError('PROVIDER_UNAVAILABLE', text, {
    retryable: false,
    charges: charge === undefined ? [] : [charge],
  });
  try {
    await deps.purchases.save(
      {
        ...entry.value,
        status: 'failed',
        updatedAt: isoNow(deps),
        ...(charge === undefined ? {} : { charge, unknowable: { attempt } }),
        ...(next === 'fail' ? { gaveUp: { attempt, code: failure.code, message: text } } : {}),
      },
      entry.revision,
    );
  } catch (error) {
    if (error instanceof ConflictError) return;
    throw error;
  }
  const fields = { generationId, scene, key, provider, amountMicros: charge?.amountMicros ?? 0 };
  const cost = charge === undefined ? 'it costs nothing' : 'it is charged';
  deps.logger.warn(fields, `${text}; ${cost}, and ${next === 'fail' ? 'the speech fails' : 'is bought once more'}`);
  if (next === 'fail') throw failure;
}

export interface SpeechCancelDeps {
  readonly purchases: PurchaseStore;
  readonly clock: Clock;
  /** See `SpeechDeps.callTimeoutMs`. */
  readonly callTimeoutMs: number;
}

/**
 * Settles a purchase of a canceled generation, and returns it with its charge. A call cannot be canceled at the provider: undefined
 * while it may still run.
 */
export async function cancelSpeech(deps: SpeechCancelDeps, entry: StoredPurchase): Promise<StoredPurchase | undefined> {
  const { status, charge: known } = entry.value;
  if (status === 'finished' || status === 'failed' || status === 'canceled') return entry;
  if (deps.clock.now() < callEndsAtMs(entry.value, deps.callTimeoutMs)) return undefined;
  const charge = known ?? assumedSpeechCharge(entry.value);
  return saveSpeech(deps, entry, { status: 'canceled', ...(charge === undefined ? {} : { charge }) });
}
