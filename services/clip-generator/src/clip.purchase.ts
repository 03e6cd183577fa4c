import {
  type Artifact,
  type Charge,
  ClipGenerated,
  type ClipGenerateBody,
  ClipmeshError,
  type FailureCode,
  message,
  type Outgoing,
} from '@clipmesh/contracts';
import { clipPrice } from '@clipmesh/pipeline';
import { AlreadyExistsError, type Attempt, ConflictError } from '@clipmesh/persistence';
import { type ClipRequest, clipRequestSchema, outcomeOf, type PredictionState } from '@clipmesh/providers';
import { ATTR, withSpan } from '@clipmesh/tracing';
import { updatePurchase, purchasedClipOf, isoNow } from './attempt.book.js';
import { type StoredPurchase, fingerprintOf, unknownPreviousOf, previousFailureOf, nextStep, type Step, stepFor } from './attempt.rules.js';
import { type Clip, throughCache } from './clip.cache.js';
import { cancelPrevious } from './clip.cancel.js';
import { chargeIn, chargesOf, withCharges, reportingCharges } from './clip.charges.js';
import { adoptFor, claimPrediction } from './clip.claims.js';
import { collectClip, isBadOutput, isUsable } from './clip.collect.js';
import { type ClipDeps } from './clip.parts.js';

/** Answers after which it is certain that nothing was bought. */
const NOT_BOUGHT: ReadonlySet<FailureCode> = new Set([
  'PROVIDER_RATE_LIMITED',
  'PROVIDER_BAD_INPUT',
  'PROVIDER_AUTH',
  'PROVIDER_OUT_OF_CREDIT',
  'CANCELED',
]);
interface BuyDeps extends ClipDeps {
  /** Whether the command ends with this error: it is not delivered again but by mistake. */
  readonly givesUp: (error: ClipmeshError) => boolean;
}
/** Pause between two looks for a purchase in doubt, ms. */
const SEARCH_GAP_MS = 1000;

/**
 * One clip, paid at most once. The intent is written before the provider is called and the prediction's id right after:
 * a redelivered command, and a later run of the generation, find what was bought instead of buying again. When the
 * generation is canceled this only stops; `cancelPurchases` settles what was bought. `givesUp` says whether the command ends
 * with an error. Default: with one that is not retryable.
 */
export async function buyClip(
  deps: ClipDeps,
  body: ClipGenerateBody,
  signal: AbortSignal,
  givesUp: BuyDeps['givesUp'] = (error) => !error.retryable,
): Promise<Outgoing[]> {
  const known = await deps.purchases.list(body.generationId);
  // The same command was answered before, and its acknowledgement was lost: the scene may have gone on with another seed since.
  const gaveUp = previousFailureOf(known, body);
  const entries = gaveUp === undefined ? await settledPurchases(deps, known, body, signal) : known;
  // What was paid before may not have been told: its teller may have died. Told twice it is booked once.
  const unpublished = entries.flatMap(({ value }) => (value.scene === body.scene ? (value.charge ?? []) : []));
  try {
    if (gaveUp !== undefined) throw new ClipmeshError(gaveUp.code, gaveUp.message, { retryable: false });
    const first = nextStep(entries, body, deps.outcomeTimeouts);
    const clip = await throughCache(deps, body, first, signal, (timeoutMs) =>
      buyOrCollect({ ...deps, timeoutMs, givesUp }, body, first, signal),
    );
    return [generatedEvent(deps, body, clip, unpublished)];
  } catch (error) {
    throw error instanceof ClipmeshError ? withCharges(error, [...unpublished, ...error.charges]) : error;
  }
}

/**
 * The purchases of the generation, once no purchase of another clip of the scene has an unknown outcome (it may have been paid),
 * and none counts as finished whose clip could not be used.
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

async function buyOrCollect(deps: BuyDeps, body: ClipGenerateBody, step: Step, signal: AbortSignal): Promise<StoredPurchase> {
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

/** Whether a finished purchase still has its clip. One that has not is collected again from its prediction. */
async function isStored(deps: ClipDeps, entry: StoredPurchase, signal: AbortSignal): Promise<boolean> {
  const { artifact } = entry.value;
  return artifact !== undefined && isUsable(deps, artifact, purchasedClipOf(entry).durationSeconds, signal);
}

/** The prediction of this clip: the one that is known, one found at the provider, or a new one. */
async function findOrSubmit(deps: BuyDeps, body: ClipGenerateBody, first: Step, signal: AbortSignal): Promise<StoredPurchase> {
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
        // Before the look: what shows up during it may not be in its answer.
        const certain = deps.clock.now() >= step.certainAtMs;
        const search = { request, since: new Date(value.createdAt), adopt: adoptFor(deps, step.entry, certain) };
        const found = await deps.provider.find(search, signal);
        if (found !== undefined) {
          deps.logger.info(
            { generationId: body.generationId, scene: body.scene, predictionId: found.id },
            'a purchase whose answer was lost is taken up again',
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
async function refuseOverBudget({ purchases: attempts }: ClipDeps, body: ClipGenerateBody): Promise<void> {
  const { generationId, scene, model, durationSeconds, allowanceMicros } = body;
  if (allowanceMicros === undefined) return;
  const paidFor = (await attempts.list(generationId)).reduce(
    (sum, { value }) => sum + (value.scene === scene ? (value.charge?.amountMicros ?? 0) : 0),
    0,
  );
  if (paidFor + (clipPrice(model, durationSeconds) ?? 0) > allowanceMicros)
    throw new ClipmeshError('BUDGET_EXCEEDED', `another clip from ${model} is not in the budget of scene ${scene}`);
}

/**
 * Buys under this key; `intent` writes the intent, at the last moment before the call goes out. What to do next: wait for what
 * was bought, or look for it when a purchase of the same clip has taken this one's prediction for its own.
 */
async function submit(
  deps: BuyDeps,
  body: ClipGenerateBody,
  key: string,
  signal: AbortSignal,
  intent: () => Promise<StoredPurchase>,
): Promise<Step> {
  await refuseOverBudget(deps, body);
  let entry: StoredPurchase | undefined;
  try {
    const { id } = await deps.provider.submit(requestOf(body, key), signal, async () => {
      entry = await intent();
      // Asked after the intent is written: either this sees the cancel, or the canceler sees the intent.
      if (await deps.isCanceled(body.generationId))
        throw new ClipmeshError('CANCELED', 'the generation was canceled before the clip was bought');
    });
    if (entry === undefined) throw new ClipmeshError('INTERNAL', `${key} was bought without an intent`);
    const bought = await claimPrediction(deps, entry.value, id);
    if (!bought) deps.logger.warn({ key, predictionId: id }, 'another purchase of the same clip has the prediction');
    const change = bought ? { status: 'submitted' as const, predictionId: id } : { status: 'unanswered' as const };
    return stepFor(await updatePurchase(deps, entry, change), deps.outcomeTimeouts);
  } catch (error) {
    const certain = error instanceof ClipmeshError && (NOT_BOUGHT.has(error.code) || !error.retryable);
    if (entry !== undefined)
      // Should this fail too, the attempt stays `intended`, which only means a longer search.
      await updatePurchase(deps, entry, certain ? failedWith(deps, body, error) : { status: 'unanswered' }).catch(
        (cause: unknown) => {
          deps.logger.warn({ err: cause, key }, 'the attempt could not be brought up to date');
        },
      );
    throw error;
  }
}

/** The final state. One that is not there in time is canceled at the provider; if it was finished by then, it is taken. */
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
      const mayStillShow = deps.clock.now() - Date.parse(entry.value.updatedAt) < deps.outcomeTimeouts.settleMs;
      if (mayStillShow) throw new ClipmeshError('PROVIDER_UNAVAILABLE', text, { cause: error });
      // To go on waiting for it would fail this clip for ever, at every model.
      const unknown = new ClipmeshError('PREDICTION_FAILED', text, { cause: error });
      await updatePurchase(deps, entry, failedWith(deps, body, unknown));
      throw unknown;
    }
    if (!(error instanceof ClipmeshError) || error.code !== 'PROVIDER_TIMEOUT') throw error;
    logger.warn({ ...fields, timeoutMs }, 'the clip did not come in time; it is canceled at the provider');
    const state = await provider.cancel(predictionId);
    if (state.status === 'succeeded') return state;
    const charges = chargesOf(purchasedClipOf(entry), state);
    return reportingCharges(charges, async () => {
      await updatePurchase(deps, entry, { ...failedWith(deps, body, error), ...chargeIn(charges) });
      throw error;
    });
  }
}

/** The end of a purchase. With it ends the command, if it does: delivered again, it publishes the same failure and buys nothing. */
function failedWith(
  { givesUp }: BuyDeps,
  { attempt }: ClipGenerateBody,
  error: ClipmeshError,
): Pick<Attempt, 'status' | 'gaveUp'> {
  const { code, message: text } = error;
  return { status: 'failed', ...(givesUp(error) ? { gaveUp: { attempt, code, message: text } } : {}) };
}

function failureOf(state: PredictionState): ClipmeshError | undefined {
  const failure = outcomeOf(state);
  // Nobody here asked for it: the generation goes on.
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
    // To go on with it would fail this clip for ever, at every model.
    if (isBadOutput(error)) await updatePurchase(deps, entry, { ...failedWith(deps, body, error), ...chargeIn(charges) });
    throw error;
  }
}

/**
 * Settles an attempt that is in doubt: bought anew under its key, or given up for another. Two commands for one scene may
 * be under way, a repeated and a later one, and only one of them may decide: throws {@link ConflictError} for the other.
 */
function settleUnknown(deps: ClipDeps, entry: StoredPurchase, status: 'intended' | 'failed'): Promise<StoredPurchase> {
  return deps.purchases.save({ ...entry.value, status, updatedAt: isoNow(deps) }, entry.revision);
}

function requestOf(body: ClipGenerateBody, attemptKey: string): ClipRequest {
  const { model, prompt, durationSeconds, aspectRatio, seed, referenceImage } = body;
  const image = referenceImage === undefined ? {} : { referenceImage };
  return { model, prompt, durationSeconds, aspectRatio, seed, ...image, attemptKey };
}

function generatedEvent(deps: ClipDeps, body: ClipGenerateBody, clip: Clip, owed: readonly Charge[]): Outgoing {
  const { predictionId, artifact, charge, model, cached } = clip;
  const others = owed.filter(({ key }) => key !== charge?.key);
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
