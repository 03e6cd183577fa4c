import { ClipAbandoned, ClipmeshError, message, type Outgoing, PlanAbandoned } from '@clipmesh/contracts';
import { clipRequestSchema, type PredictionState } from '@clipmesh/providers';
import { updatePurchase, purchasedClipOf } from './attempt.book.js';
import { type StoredPurchase, stepFor } from './attempt.rules.js';
import { chargesOf } from './clip.charges.js';
import { adoptFor } from './clip.claims.js';
import { type ClipDeps } from './clip.parts.js';

/** The next look at a purchase in doubt, ms. */
const RECHECK_MS = 250;

/**
 * Stops everything that was bought for a canceled generation and is not finished, and tells what it had cost by then.
 * Throws, to be called again, while a create call may still be under way somewhere. Repeating it repeats the same events.
 */
export async function cancelPurchases(
  deps: ClipDeps,
  generationId: string,
  signal: AbortSignal,
): Promise<Outgoing[]> {
  // Before the look: whoever asked may have died before it set the flag, and what is queued would still be bought.
  await deps.markCanceled(generationId);
  const entries = await deps.purchases.list(generationId);
  const settled = await Promise.allSettled(
    entries.map((entry) => (entry.value.kind === 'clip' ? cancelClip(deps, entry, signal) : settlePlan(deps, entry))),
  );
  const failed = settled.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw asRetryable(failed.reason);
  return settled.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
}

/** Ends a purchase of a clip that is not wanted any more; its attempt then has what it had cost. */
export async function cancelPrevious(deps: ClipDeps, entry: StoredPurchase, signal: AbortSignal): Promise<void> {
  const step = stepFor(entry, deps.outcomeTimeouts);
  const waitMs = step.kind === 'search' ? step.certainAtMs - deps.clock.now() : 0;
  if (waitMs > 0) await deps.clock.sleep(waitMs, signal);
  await cancelClip(deps, entry, signal);
}

async function cancelClip(deps: ClipDeps, entry: StoredPurchase, signal: AbortSignal): Promise<Outgoing[]> {
  const { status, key, createdAt } = entry.value;
  // What was paid may not have been told: its teller was stopped.
  if (status === 'finished' || status === 'failed' || status === 'canceled') return abandonedEvents(entry);
  const request = clipRequestSchema.parse(entry.value.request);
  const step = stepFor(entry, deps.outcomeTimeouts);
  const certain = step.kind !== 'search' || deps.clock.now() >= step.certainAtMs;
  const search = { request, since: new Date(createdAt), adopt: adoptFor(deps, entry, certain) };
  const predictionId = entry.value.predictionId ?? (await deps.provider.find(search, signal))?.id;
  if (predictionId === undefined) {
    if (!certain) throw unknownOutcome(key);
    await updatePurchase(deps, entry, { status: 'canceled' });
    return [];
  }
  const state = await cancelPrediction(deps, entry, predictionId);
  const [charge] = state === undefined ? [] : chargesOf(purchasedClipOf(entry), state);
  deps.logger.info(
    { generationId: entry.value.generationId, scene: entry.value.scene, predictionId, status: state?.status },
    state === undefined ? 'the provider does not know the prediction' : 'prediction canceled',
  );
  return abandonedEvents(
    await updatePurchase(deps, entry, { status: 'canceled', predictionId, ...(charge === undefined ? {} : { charge }) }),
  );
}

/** How it ended; undefined when the provider does not know it, and would by now. */
async function cancelPrediction(
  { provider, clock, outcomeTimeouts: doubt }: ClipDeps,
  { value }: StoredPurchase,
  predictionId: string,
): Promise<PredictionState | undefined> {
  try {
    return await provider.cancel(predictionId);
  } catch (error) {
    if (!(error instanceof ClipmeshError) || error.code !== 'PROVIDER_BAD_INPUT') throw error;
    if (clock.now() - Date.parse(value.updatedAt) < doubt.settleMs) throw unknownOutcome(value.key);
    return undefined;
  }
}

/** Whatever the reason, to give up would leave a purchase running, and what the others cost untold. */
function asRetryable(error: unknown): unknown {
  if (!(error instanceof ClipmeshError) || error.retryable) return error;
  return new ClipmeshError(error.code, error.message, { cause: error, retryable: true });
}

const unknownOutcome = (key: string): ClipmeshError =>
  new ClipmeshError('PROVIDER_UNAVAILABLE', `it is not certain yet whether ${key} was bought`, {
    retryAfterMs: RECHECK_MS,
  });

/** A plan that is being written cannot be stopped at the provider: its answer is waited for, and booked. */
async function settlePlan(deps: ClipDeps, entry: StoredPurchase): Promise<Outgoing[]> {
  const { key, charge, updatedAt, status, generationId } = entry.value;
  if (charge !== undefined)
    return [message(PlanAbandoned, { generationId, at: updatedAt, charges: [charge], purchase: key })];
  if (status !== 'intended' && status !== 'unanswered') return [];
  // Between its intent and its call the planner asks the broker, which may take as long as a call does.
  const overAtMs = Date.parse(updatedAt) + deps.outcomeTimeouts.callTimeoutMs + deps.planTimeoutMs;
  if (status === 'intended' && deps.clock.now() < overAtMs) throw unknownOutcome(key);
  // Whoever asked is dead: nothing will be told of it any more.
  await updatePurchase(deps, entry, { status: 'canceled' });
  return [];
}

function abandonedEvents({ value }: StoredPurchase): Outgoing[] {
  const { generationId, scene, predictionId, charge, updatedAt } = value;
  if (predictionId === undefined) return [];
  return [
    message(ClipAbandoned, {
      generationId,
      at: updatedAt,
      charges: charge === undefined ? [] : [charge],
      scene: scene ?? 0,
      predictionId,
    }),
  ];
}
