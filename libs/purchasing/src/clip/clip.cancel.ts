import { chargesIn } from '@clipmesh/billing';
import { type Charge, ClipAbandoned, ClipmeshError, message, type Outgoing, PlanAbandoned } from '@clipmesh/contracts';
import { clipRequestSchema, type PredictionState } from '@clipmesh/providers';
import { chargesFor, purchasedClipOf, sellerOf, updatePurchase } from './purchase.repository.js';
import { stepFor, type StoredPurchase } from './purchase.rules.js';
import { assumedCharge, chargeIn } from './clip.charges.js';
import { adoptFor } from './clip.claims.js';
import { type ClipDeps } from './clip.deps.js';
import { stillPending } from './clip.submit.js';
import { cancelSpeech } from '../speech/speech.close.js';

/** Delay before the next check of a purchase with an unknown outcome, ms. */
const RECHECK_MS = 250;

/**
 * Cancels all unfinished purchases of a canceled generation, and returns events with their charges. Throws a retryable error
 * while a create call may still be in progress. Repeated calls return the same events.
 */
export async function cancelPurchases(deps: ClipDeps, generationId: string, signal: AbortSignal): Promise<Outgoing[]> {
  // First: the publisher of the cancel may have crashed before it set the flag, and queued commands would still buy.
  await deps.markCanceled(generationId);
  const entries = await deps.purchases.list(generationId);
  const settled = await Promise.allSettled(
    entries.map((entry) => {
      switch (entry.value.kind) {
        case 'clip':
          return cancelClip(deps, entry, signal);
        case 'llm':
          return settlePlan(deps, entry);
        case 'speech':
          return settleSpeech(deps, entry);
      }
    }),
  );
  const failed = settled.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw asRetryable(failed.reason);
  return settled.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
}

/** Cancels a purchase whose clip is not needed any more, and records its charge. */
export async function cancelPrevious(deps: ClipDeps, entry: StoredPurchase, signal: AbortSignal): Promise<void> {
  const step = stepFor(entry, deps.outcomeTimeouts);
  const waitMs = step.kind === 'search' ? step.certainAtMs - deps.clock.now() : 0;
  if (waitMs > 0) await deps.clock.sleep(waitMs, signal);
  await cancelClip(deps, entry, signal);
}

async function cancelClip(deps: ClipDeps, entry: StoredPurchase, signal: AbortSignal): Promise<Outgoing[]> {
  const { status, key, createdAt } = entry.value;
  // A crash may have lost the event with the charge.
  if (status === 'finished' || status === 'failed' || status === 'canceled') return abandonedEvents(entry);
  const request = clipRequestSchema.parse(entry.value.request);
  const step = stepFor(entry, deps.outcomeTimeouts);
  const certain = step.kind !== 'search' || deps.clock.now() >= step.certainAtMs;
  const search = { request, since: new Date(createdAt), adopt: adoptFor(deps, entry, certain) };
  const known = entry.value.predictionId;
  const provider = sellerOf(deps, entry);
  const finding = known === undefined ? await provider.find(search, signal) : undefined;
  const predictionId = finding?.kind === 'found' ? finding.state.id : known;
  if (predictionId === undefined) {
    if (!certain) throw unknownOutcome(key);
    if (finding?.kind === 'pending') throw stillPending(key, finding.retryAfterMs);
    if (finding?.kind !== 'unknowable') {
      await updatePurchase(deps, entry, { status: 'canceled' });
      return [];
    }
    return abandonedEvents(await updatePurchase(deps, entry, { status: 'canceled', charge: assumedFor(deps, entry) }));
  }
  const state = await cancelPrediction(deps, entry, predictionId);
  deps.logger.info(
    { generationId: entry.value.generationId, scene: entry.value.scene, predictionId, status: state?.status },
    state === undefined ? 'prediction unknown to the provider' : 'prediction canceled',
  );
  const charges = state === undefined ? lostCharges(deps, entry, predictionId) : chargesFor(deps, entry, state);
  const change = { status: 'canceled' as const, predictionId, ...chargeIn(charges) };
  return abandonedEvents(await updatePurchase(deps, entry, change));
}

/** The charges for a prediction that its provider does not know any more. One that lists every prediction would know it. */
function lostCharges(deps: ClipDeps, entry: StoredPurchase, predictionId: string): Charge[] {
  if (sellerOf(deps, entry).guarantee === 'never_twice') return [];
  return [assumedFor(deps, { ...entry, value: { ...entry.value, predictionId } })];
}

function assumedFor(deps: ClipDeps, entry: StoredPurchase): Charge {
  const { name: provider, guarantee } = sellerOf(deps, entry);
  const charge = assumedCharge(deps, purchasedClipOf(entry), entry.value);
  deps.logger.warn(
    { key: entry.value.key, provider, guarantee, amountMicros: charge.amountMicros },
    'the provider cannot say whether the clip was made; it is charged',
  );
  return charge;
}

/** The final state of the prediction; undefined when the provider does not know it and would know it by now. */
async function cancelPrediction(
  deps: ClipDeps,
  entry: StoredPurchase,
  predictionId: string,
): Promise<PredictionState | undefined> {
  const { value } = entry;
  const provider = sellerOf(deps, entry);
  try {
    return await provider.cancel({ id: predictionId, model: value.model });
  } catch (error) {
    if (!(error instanceof ClipmeshError) || error.code !== 'PROVIDER_BAD_INPUT') throw error;
    if (deps.clock.now() - Date.parse(value.updatedAt) < deps.outcomeTimeouts.settleMs) throw unknownOutcome(value.key);
    return undefined;
  }
}

/** Makes every error retryable: giving up would leave a purchase running, and lose the charges of the others. */
function asRetryable(error: unknown): unknown {
  if (!(error instanceof ClipmeshError) || error.retryable) return error;
  return new ClipmeshError(error.code, error.message, { cause: error, retryable: true });
}

const unknownOutcome = (key: string): ClipmeshError =>
  new ClipmeshError('PROVIDER_UNAVAILABLE', `the outcome of purchase ${key} is still unknown`, {
    retryAfterMs: RECHECK_MS,
  });

/** A plan cannot be canceled at the provider: the canceler waits for its answer and publishes its charge. */
async function settlePlan(deps: ClipDeps, entry: StoredPurchase): Promise<Outgoing[]> {
  const { key, charge, updatedAt, status, generationId } = entry.value;
  if (charge !== undefined)
    return [message(PlanAbandoned, { generationId, at: updatedAt, charges: [charge], purchase: key })];
  if (status !== 'intended' && status !== 'unanswered') return [];
  // Between its intent and its call the planner asks the broker, which may take as long as a call.
  const overAtMs = Date.parse(updatedAt) + deps.outcomeTimeouts.callTimeoutMs + deps.planTimeoutMs;
  if (status === 'intended' && deps.clock.now() < overAtMs) throw unknownOutcome(key);
  // Its planner was killed: no event for it will follow.
  await updatePurchase(deps, entry, { status: 'canceled' });
  return [];
}

async function settleSpeech(deps: ClipDeps, entry: StoredPurchase): Promise<Outgoing[]> {
  const { purchases, clock, outcomeTimeouts, speechTimeoutMs } = deps;
  // Between its intent and its call the broker is asked, which may take as long as a call.
  const callTimeoutMs = outcomeTimeouts.callTimeoutMs + speechTimeoutMs;
  const settled = await cancelSpeech({ purchases, clock, callTimeoutMs }, entry);
  if (settled === undefined) throw unknownOutcome(entry.value.key);
  return abandonedEvents(settled);
}

function abandonedEvents({ value }: StoredPurchase): Outgoing[] {
  const { generationId, scene, updatedAt, key } = value;
  const charges = chargesIn(value);
  const predictionId = value.predictionId ?? (charges.length === 0 ? undefined : key);
  if (predictionId === undefined) return [];
  return [
    message(ClipAbandoned, {
      generationId,
      at: updatedAt,
      charges,
      scene: scene ?? 0,
      predictionId,
    }),
  ];
}
