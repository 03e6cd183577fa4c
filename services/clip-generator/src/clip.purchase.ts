import {
  type Artifact,
  type Charge,
  type ClipGenerateBody,
  ClipGenerated,
  ClipmeshError,
  type FailureCode,
  message,
  type Outgoing,
} from '@clipmesh/contracts';
import { clipPrice } from '@clipmesh/pipeline';
import { AlreadyExistsError, type Purchase, ConflictError } from '@clipmesh/persistence';
import { type ClipRequest, clipRequestSchema, outcomeOf, type PredictionState } from '@clipmesh/providers';
import { ATTR, withSpan } from '@clipmesh/tracing';
import { isoNow, purchasedClipOf, updatePurchase } from './attempt.book.js';
import {
  fingerprintOf,
  nextStep,
  previousFailureOf,
  type Step,
  stepFor,
  type StoredPurchase,
  unknownPreviousOf,
} from './attempt.rules.js';
import { type Clip, throughCache } from './clip.cache.js';
import { cancelPrevious } from './clip.cancel.js';
import { chargeIn, chargesOf, reportingCharges, withCharges } from './clip.charges.js';
import { adoptFor, claimPrediction } from './clip.claims.js';
import { collectClip, isBadOutput, isUsable } from './clip.collect.js';
import { type ClipDeps } from './clip.parts.js';

/** Failures after which nothing was bought. */
const NOT_BOUGHT: ReadonlySet<FailureCode> = new Set([
  'PROVIDER_RATE_LIMITED',
  'PROVIDER_BAD_INPUT',
  'PROVIDER_AUTH',
  'PROVIDER_OUT_OF_CREDIT',
  'CANCELED',
]);
interface BuyDeps extends ClipDeps {
  /** Whether the command ends with this error, so that only a lost ack redelivers it. */
  readonly givesUp: (error: ClipmeshError) => boolean;
}
/** Pause between two searches for a purchase with an unknown outcome, ms. */
const SEARCH_GAP_MS = 1000;

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
  const known = await deps.purchases.list(body.generationId);
  // The command ended before and its ack was lost. The scene may have continued with another seed since.
  const gaveUp = previousFailureOf(known, body);
  const entries = gaveUp === undefined ? await settledPurchases(deps, known, body, signal) : known;
  // A crash may have lost the event for an earlier charge. Publishing it again is safe: the ledger deduplicates by key.
  const earlierCharges = entries.flatMap(({ value }) => (value.scene === body.scene ? (value.charge ?? []) : []));
  try {
    if (gaveUp !== undefined) throw new ClipmeshError(gaveUp.code, gaveUp.message, { retryable: false });
    const first = nextStep(entries, body, deps.outcomeTimeouts);
    const clip = await throughCache(deps, body, first, signal, (timeoutMs) =>
      buyOrCollect({ ...deps, timeoutMs, givesUp }, body, first, signal),
    );
    return [generatedEvent(deps, body, clip, earlierCharges)];
  } catch (error) {
    throw error instanceof ClipmeshError ? withCharges(error, [...earlierCharges, ...error.charges]) : error;
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
  const previous = unknownPreviousOf(entries, body);
  const rejected = entries.filter(
    ({ value }) =>
      value.scene === body.scene && value.status === 'finished' && value.predictionId === body.rejectedPrediction,
  );
  if (previous.length + rejected.length === 0) return entries;
  await Promise.all([
    ...previous.map((entry) => cancelPrevious(deps, entry, signal)),
    ...rejected.map((entry) => updatePurchase(deps, entry, { status: 'failed' })),
  ]);
  return deps.purchases.list(body.generationId);
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
      const charges = chargesOf(purchasedClipOf(entry), state);
      span.setAttribute(ATTR.costMicros, charges[0]?.amountMicros ?? 0);
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

/** The purchase with the prediction of this clip: a known one, one found at the provider, or a new one. */
async function findOrSubmit(
  deps: BuyDeps,
  body: ClipGenerateBody,
  first: Step,
  signal: AbortSignal,
): Promise<StoredPurchase> {
  let step = first;
  for (;;) {
    signal.throwIfAborted();
    switch (step.kind) {
      case 'use':
      case 'attach':
        return step.entry;
      case 'search': {
        const { value } = step.entry;
        const request = clipRequestSchema.parse(value.request);
        // Before the search: a prediction that appears during the search may be missing from its answer.
        const certain = deps.clock.now() >= step.certainAtMs;
        const search = { request, since: new Date(value.createdAt), adopt: adoptFor(deps, step.entry, certain) };
        const found = await deps.provider.find(search, signal);
        if (found !== undefined) {
          deps.logger.info(
            { generationId: body.generationId, scene: body.scene, predictionId: found.id },
            'found the prediction of a purchase with an unknown outcome',
          );
          return updatePurchase(deps, step.entry, { status: 'submitted', predictionId: found.id });
        }
        if (certain) {
          const { entry } = step;
          try {
            if (value.fingerprint === fingerprintOf(body)) {
              step = await submit(deps, body, value.key, signal, () => settleUnknown(deps, entry, 'intended'));
              break;
            }
            await settleUnknown(deps, entry, 'failed');
          } catch (error) {
            if (!(error instanceof ConflictError)) throw error;
          }
          step = nextStep(await deps.purchases.list(body.generationId), body, deps.outcomeTimeouts);
          break;
        }
        const waitMs = step.certainAtMs - deps.clock.now();
        await deps.clock.sleep(Math.max(0, Math.min(waitMs, SEARCH_GAP_MS)), signal);
        step = stepFor((await deps.purchases.get(body.generationId, value.key)) ?? step.entry, deps.outcomeTimeouts);
        break;
      }
      case 'buy':
        try {
          const { key } = step;
          step = await submit(deps, body, key, signal, () => recordIntent(deps, body, key));
        } catch (error) {
          if (!(error instanceof AlreadyExistsError)) throw error;
          step = nextStep(await deps.purchases.list(body.generationId), body, deps.outcomeTimeouts);
        }
    }
  }
}

function recordIntent(deps: ClipDeps, body: ClipGenerateBody, key: string): Promise<StoredPurchase> {
  const at = isoNow(deps);
  return deps.purchases.create({
    key,
    generationId: body.generationId,
    kind: 'clip',
    status: 'intended',
    model: body.model,
    scene: body.scene,
    fingerprint: fingerprintOf(body),
    request: requestOf(body, key),
    createdAt: at,
    updatedAt: at,
  });
}

/** Throws `BUDGET_EXCEEDED` when another purchase could bring the scene over its allowance. */
async function rejectOverBudget({ purchases }: ClipDeps, body: ClipGenerateBody): Promise<void> {
  const { generationId, scene, model, durationSeconds, allowanceMicros } = body;
  if (allowanceMicros === undefined) return;
  const spentMicros = (await purchases.list(generationId)).reduce(
    (sum, { value }) => sum + (value.scene === scene ? (value.charge?.amountMicros ?? 0) : 0),
    0,
  );
  if (spentMicros + (clipPrice(model, durationSeconds) ?? 0) > allowanceMicros)
    throw new ClipmeshError('BUDGET_EXCEEDED', `another clip from ${model} exceeds the budget of scene ${scene}`);
}

/**
 * Buys under this key. `intent` records the intent right before the call. Returns the next step: wait for the prediction, or
 * search for it when another purchase of the same clip has claimed it.
 */
async function submit(
  deps: BuyDeps,
  body: ClipGenerateBody,
  key: string,
  signal: AbortSignal,
  intent: () => Promise<StoredPurchase>,
): Promise<Step> {
  await rejectOverBudget(deps, body);
  let entry: StoredPurchase | undefined;
  try {
    const { id } = await deps.provider.submit(requestOf(body, key), signal, async () => {
      entry = await intent();
      // Checked after the intent is recorded: either this sees the cancel, or the canceler sees the intent.
      if (await deps.isCanceled(body.generationId))
        throw new ClipmeshError('CANCELED', 'the generation was canceled before the clip was bought');
    });
    if (entry === undefined) throw new ClipmeshError('INTERNAL', `purchase ${key} has no intent`);
    const bought = await claimPrediction(deps, entry.value, id);
    if (!bought)
      deps.logger.warn({ key, predictionId: id }, 'another purchase of the same clip has claimed the prediction');
    const change = bought ? { status: 'submitted' as const, predictionId: id } : { status: 'unanswered' as const };
    return stepFor(await updatePurchase(deps, entry, change), deps.outcomeTimeouts);
  } catch (error) {
    const certain = error instanceof ClipmeshError && (NOT_BOUGHT.has(error.code) || !error.retryable);
    if (entry !== undefined)
      // When this fails too, the purchase stays `intended`, which only makes the search longer.
      await updatePurchase(deps, entry, certain ? failedWith(deps, body, error) : { status: 'unanswered' }).catch(
        (cause: unknown) => {
          deps.logger.warn({ err: cause, key }, 'could not update the purchase');
        },
      );
    throw error;
  }
}

/** Waits for the final state. Cancels a prediction that times out, and uses it when it succeeded before the cancel. */
async function waitForEnd(
  deps: BuyDeps,
  body: ClipGenerateBody,
  entry: StoredPurchase,
  signal: AbortSignal,
): Promise<PredictionState> {
  const { provider, logger, timeoutMs } = deps;
  const predictionId = entry.value.predictionId ?? '';
  const fields = { generationId: body.generationId, scene: body.scene, predictionId };
  try {
    return await provider.wait(predictionId, {
      signal,
      timeoutMs,
      onLog: (elapsedMs) => {
        logger.info({ ...fields, elapsedMs }, 'waiting for the clip');
      },
    });
  } catch (error) {
    if (error instanceof ClipmeshError && error.code === 'PROVIDER_BAD_INPUT') {
      const text = `the provider does not know prediction ${predictionId}`;
      const mayStillAppear = deps.clock.now() - Date.parse(entry.value.updatedAt) < deps.outcomeTimeouts.settleMs;
      if (mayStillAppear) throw new ClipmeshError('PROVIDER_UNAVAILABLE', text, { cause: error });
      // Waiting for it would fail this clip forever, for every model.
      const unknown = new ClipmeshError('PREDICTION_FAILED', text, { cause: error });
      await updatePurchase(deps, entry, failedWith(deps, body, unknown));
      throw unknown;
    }
    if (!(error instanceof ClipmeshError) || error.code !== 'PROVIDER_TIMEOUT') throw error;
    logger.warn({ ...fields, timeoutMs }, 'the prediction timed out; canceling it at the provider');
    const state = await provider.cancel(predictionId);
    if (state.status === 'succeeded') return state;
    const charges = chargesOf(purchasedClipOf(entry), state);
    return reportingCharges(charges, async () => {
      await updatePurchase(deps, entry, { ...failedWith(deps, body, error), ...chargeIn(charges) });
      throw error;
    });
  }
}

/** The change that fails a purchase. When the command ends too, a redelivery publishes the same failure and buys nothing. */
function failedWith(
  { givesUp }: BuyDeps,
  { attempt }: ClipGenerateBody,
  error: ClipmeshError,
): Pick<Purchase, 'status' | 'gaveUp'> {
  const { code, message: text } = error;
  return { status: 'failed', ...(givesUp(error) ? { gaveUp: { attempt, code, message: text } } : {}) };
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
    return await collectClip(deps, state, purchasedClipOf(entry).durationSeconds, signal);
  } catch (error) {
    // Keeping it would fail this clip forever, for every model.
    if (isBadOutput(error))
      await updatePurchase(deps, entry, { ...failedWith(deps, body, error), ...chargeIn(charges) });
    throw error;
  }
}

/**
 * Settles a purchase with an unknown outcome: to be bought again under its key, or failed. A repeated and a later command of
 * one scene may run at once, and only one may settle: throws {@link ConflictError} for the other.
 */
function settleUnknown(deps: ClipDeps, entry: StoredPurchase, status: 'intended' | 'failed'): Promise<StoredPurchase> {
  return deps.purchases.save({ ...entry.value, status, updatedAt: isoNow(deps) }, entry.revision);
}

function requestOf(body: ClipGenerateBody, attemptKey: string): ClipRequest {
  const { model, prompt, durationSeconds, aspectRatio, seed, referenceImage } = body;
  const image = referenceImage === undefined ? {} : { referenceImage };
  return { model, prompt, durationSeconds, aspectRatio, seed, ...image, attemptKey };
}

function generatedEvent(
  deps: ClipDeps,
  body: ClipGenerateBody,
  clip: Clip,
  earlierCharges: readonly Charge[],
): Outgoing {
  const { predictionId, artifact, charge, model, cached } = clip;
  const others = earlierCharges.filter(({ key }) => key !== charge?.key);
  return message(ClipGenerated, {
    generationId: body.generationId,
    at: isoNow(deps),
    charges: charge === undefined ? others : [...others, charge],
    scene: body.scene,
    attempt: body.attempt,
    model,
    predictionId,
    cached,
    clip: artifact,
  });
}
