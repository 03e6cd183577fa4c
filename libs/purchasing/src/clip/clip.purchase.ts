import { chargesIn, netMicros, spendingOf } from '@clipmesh/billing';
import {
  type Artifact,
  type Charge,
  ChargeAdjusted,
  type ClipGenerateBody,
  ClipGenerated,
  ClipmeshError,
  message,
  type Outgoing,
} from '@clipmesh/contracts';
import { Postponed } from '@clipmesh/messaging';
import { outcomeOf, type PredictionState } from '@clipmesh/providers';
import { ATTR, withSpan } from '@clipmesh/tracing';
import { type Clip, throughCache } from './clip.cache.js';
import { cancelPrevious } from './clip.cancel.js';
import { reportingCharges, withCharges } from '../charges/charged.errors.js';
import { chargeIn } from './clip.charges.js';
import { collectClip, isBadOutput, isUsable } from './clip.collect.js';
import { type ClipDeps } from './clip.deps.js';
import { type BuyDeps, closeUnknowable, failedWith, findOrSubmit } from './clip.submit.js';
import { chargesFor, clipPurchases, isoNow, purchasedClipOf, sellerOf, updatePurchase } from './purchase.repository.js';
import { nextStep, previousFailureOf, type Step, type StoredPurchase, unknownPreviousOf } from './purchase.rules.js';

/**
 * Buys a clip, at most once. The intent is recorded before the call to the provider and the prediction's id right after it,
 * so that a redelivered command or a later run finds the purchase instead of buying again. A cancel only stops the work;
 * `cancelPurchases` settles the purchases. `givesUp` says whether the command ends with an error. Default: when the error is
 * not retryable.
 */
export async function buyClip(
  deps: ClipDeps,
  body: ClipGenerateBody,
  signal: AbortSignal,
  givesUp: BuyDeps['givesUp'] = (error) => !error.retryable,
): Promise<Outgoing[]> {
  const known = await clipPurchases(deps, body.generationId);
  // The command ended before and its ack was lost. The scene may have continued with another seed since.
  const gaveUp = previousFailureOf(known, body);
  const entries = gaveUp === undefined ? await settledPurchases(deps, known, body, signal) : known;
  // A crash may have lost the event for an earlier charge. Publishing it again is safe: the ledger deduplicates by key.
  const earlierCharges = entries.flatMap(({ value }) => (value.scene === body.scene ? chargesIn(value) : []));
  const onCharge = (charge: Charge): void => void earlierCharges.push(charge);
  try {
    if (gaveUp !== undefined) throw new ClipmeshError(gaveUp.code, gaveUp.message, { retryable: false });
    const first = nextStep(entries, body, deps);
    const clip = await throughCache(deps, body, first, signal, (timeoutMs) =>
      buyOrCollect({ ...deps, timeoutMs, givesUp, onCharge }, body, first, signal),
    );
    return [generatedEvent(deps, body, clip, earlierCharges), ...lateBill(deps, body, clip, earlierCharges)];
  } catch (error) {
    // A postponed command publishes nothing: its next delivery finds these charges again.
    if (!(error instanceof ClipmeshError) || error instanceof Postponed) throw error;
    throw withCharges(error, [...earlierCharges, ...error.charges]);
  }
}

/**
 * The purchases of the generation, after settling those of the scene's previous clips with an unknown outcome, and after
 * failing the one whose clip was rejected.
 */
async function settledPurchases(
  deps: ClipDeps,
  entries: StoredPurchase[],
  body: ClipGenerateBody,
  signal: AbortSignal,
): Promise<StoredPurchase[]> {
  const previous = unknownPreviousOf(entries, body, deps.models);
  const rejected = entries.filter(
    ({ value }) =>
      value.scene === body.scene && value.status === 'finished' && value.predictionId === body.rejectedPrediction,
  );
  if (previous.length + rejected.length === 0) return entries;
  await Promise.all([
    ...previous.map((entry) => cancelPrevious(deps, entry, signal)),
    ...rejected.map((entry) => updatePurchase(deps, entry, { status: 'failed' })),
  ]);
  return clipPurchases(deps, body.generationId);
}

async function buyOrCollect(
  deps: BuyDeps,
  body: ClipGenerateBody,
  step: Step,
  signal: AbortSignal,
): Promise<StoredPurchase> {
  if (step.kind === 'use' && (await isStored(deps, step.entry, signal))) return step.entry;
  return withSpan(
    'clipmesh.clip-generator',
    `predict ${body.model}`,
    { [ATTR.model]: body.model, [ATTR.scene]: body.scene },
    async (span) => {
      const entry = await findOrSubmit(deps, body, step, signal);
      span.setAttribute(ATTR.predictionId, entry.value.predictionId ?? '');
      const state = await waitForEnd(deps, body, entry, signal);
      const charges = chargesFor(deps, entry, state);
      span.setAttribute(ATTR.costMicros, netMicros(spendingOf(charges)));
      return reportingCharges(charges, async () => {
        const failure = failureOf(state);
        if (failure !== undefined) {
          await updatePurchase(deps, entry, { ...failedWith(deps, body, failure), ...chargeIn(charges) });
          throw failure;
        }
        const artifact = await collect(deps, body, entry, state, charges, signal);
        return updatePurchase(deps, entry, { status: 'finished', artifact, ...chargeIn(charges) });
      });
    },
  );
}

/** Whether the clip of a finished purchase is still usable. Otherwise it is collected again from its prediction. */
async function isStored(deps: ClipDeps, entry: StoredPurchase, signal: AbortSignal): Promise<boolean> {
  const { artifact } = entry.value;
  return artifact !== undefined && isUsable(deps, artifact, purchasedClipOf(entry).durationSeconds, signal);
}

/** Waits for the final state. Cancels a prediction that times out, and uses it when it succeeded before the cancel. */
async function waitForEnd(
  deps: BuyDeps,
  body: ClipGenerateBody,
  entry: StoredPurchase,
  signal: AbortSignal,
): Promise<PredictionState> {
  const { logger, timeoutMs } = deps;
  const provider = sellerOf(deps, entry);
  const predictionId = entry.value.predictionId ?? '';
  const operation = { id: predictionId, model: entry.value.model };
  const fields = { generationId: body.generationId, scene: body.scene, predictionId };
  try {
    return await provider.wait(operation, {
      signal,
      timeoutMs,
      onLog: (elapsedMs) => {
        logger.info({ ...fields, elapsedMs }, 'waiting for the clip');
      },
    });
  } catch (error) {
    if (isUnknownThere(error)) return closeLost(deps, body, entry, error);
    if (!(error instanceof ClipmeshError) || error.code !== 'PROVIDER_TIMEOUT') throw error;
    logger.warn({ ...fields, timeoutMs }, 'the prediction timed out; canceling it at the provider');
    const state = await provider.cancel(operation).catch((cause: unknown) => {
      if (isUnknownThere(cause)) return closeLost(deps, body, entry, cause);
      throw cause;
    });
    if (state.status === 'succeeded') return state;
    const charges = chargesFor(deps, entry, state);
    return reportingCharges(charges, async () => {
      await updatePurchase(deps, entry, { ...failedWith(deps, body, error), ...chargeIn(charges) });
      throw error;
    });
  }
}

const isUnknownThere = (error: unknown): error is ClipmeshError =>
  error instanceof ClipmeshError && error.code === 'PROVIDER_BAD_INPUT';

/** Closes a purchase whose prediction its provider does not know, unless it may still appear. Always throws. */
async function closeLost(
  deps: BuyDeps,
  body: ClipGenerateBody,
  entry: StoredPurchase,
  cause: ClipmeshError,
): Promise<never> {
  const text = `the provider does not know prediction ${entry.value.predictionId ?? ''}`;
  const mayStillAppear = deps.clock.now() - Date.parse(entry.value.updatedAt) < deps.outcomeTimeouts.settleMs;
  if (mayStillAppear) throw new ClipmeshError('PROVIDER_UNAVAILABLE', text, { cause });
  // Waiting for it would fail this clip forever, for every model.
  const unknown = new ClipmeshError('PREDICTION_FAILED', text, { cause });
  if (sellerOf(deps, entry).guarantee === 'at_most_once_more') await closeUnknowable(deps, body, entry, unknown);
  else await updatePurchase(deps, entry, failedWith(deps, body, unknown));
  throw unknown;
}

function failureOf(state: PredictionState): ClipmeshError | undefined {
  const failure = outcomeOf(state);
  // Clipmesh did not cancel it: the generation continues.
  return failure?.code === 'CANCELED'
    ? new ClipmeshError('PREDICTION_FAILED', `prediction ${state.id} was canceled at the provider`)
    : failure;
}

async function collect(
  deps: BuyDeps,
  body: ClipGenerateBody,
  entry: StoredPurchase,
  state: PredictionState,
  charges: readonly Charge[],
  signal: AbortSignal,
): Promise<Artifact> {
  try {
    return await collectClip(deps, entry, state, signal);
  } catch (error) {
    // Keeping it would fail this clip forever, for every model.
    if (isBadOutput(error))
      await updatePurchase(deps, entry, { ...failedWith(deps, body, error), ...chargeIn(charges) });
    throw error;
  }
}

function generatedEvent(
  deps: ClipDeps,
  body: ClipGenerateBody,
  clip: Clip,
  earlierCharges: readonly Charge[],
): Outgoing {
  const { predictionId, artifact, charges, model, cached } = clip;
  const others = earlierCharges.filter((earlier) => charges.every(({ key }) => key !== earlier.key));
  return message(ClipGenerated, {
    generationId: body.generationId,
    at: isoNow(deps),
    charges: [...others, ...charges],
    scene: body.scene,
    attempt: body.attempt,
    model,
    predictionId,
    cached,
    clip: artifact,
  });
}

/**
 * The event of an adjustment of a charge that an earlier try may have published. The broker may drop a repeated `clip.generated`, and
 * the adjustment with it.
 */
function lateBill(
  deps: ClipDeps,
  { generationId }: ClipGenerateBody,
  { charges }: Clip,
  earlierCharges: readonly Charge[],
): Outgoing[] {
  const [charge, adjustment] = charges;
  if (adjustment === undefined || earlierCharges.every(({ key }) => key !== charge?.key)) return [];
  return [
    message(ChargeAdjusted, {
      generationId,
      at: isoNow(deps),
      charges: [...charges],
      charge: adjustment.adjusts ?? '',
    }),
  ];
}
