import { chargesIn, clipMicros, netMicros, spendingOf } from '@clipmesh/billing';
import { type Charge, type ClipGenerateBody, ClipmeshError } from '@clipmesh/contracts';
import { Postponed } from '@clipmesh/messaging';
import { AlreadyExistsError, ConflictError, type Purchase } from '@clipmesh/persistence';
import { type ClipRequest, clipRequestSchema } from '@clipmesh/providers';
import { NOT_CHARGED } from '../charges/charged.errors.js';
import { assumedCharge, clipSku } from './clip.charges.js';
import { adoptFor, claimPrediction } from './clip.claims.js';
import { type ClipDeps } from './clip.deps.js';
import { clipPurchases, isoNow, purchasedClipOf, sellerOf, updatePurchase } from './purchase.repository.js';
import { afterUnknowable, fingerprintOf, nextStep, type Step, stepFor, type StoredPurchase } from './purchase.rules.js';

export interface BuyDeps extends ClipDeps {
  /** Whether the command ends with this error, so that only a lost ack redelivers it. */
  readonly givesUp: (error: ClipmeshError) => boolean;
  /** Takes the charge of a purchase that was closed before another one is made. */
  readonly onCharge: (charge: Charge) => void;
}
/** Pause between two searches for a purchase with an unknown outcome, ms. */
const SEARCH_GAP_MS = 1000;

/** The purchase with the prediction of this clip: a known one, one found at the provider, or a new one. */
export async function findOrSubmit(
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
        const finding = await sellerOf(deps, step.entry).find(search, signal);
        if (finding.kind === 'found') {
          const { id: predictionId } = finding.state;
          deps.logger.info(
            { generationId: body.generationId, scene: body.scene, predictionId },
            'found the prediction of a purchase with an unknown outcome',
          );
          return updatePurchase(deps, step.entry, { status: 'submitted', predictionId });
        }
        // Only the provider's report can say it: this wait uses no try, and buys nothing.
        if (certain && finding.kind === 'pending') throw stillPending(value.key, finding.retryAfterMs);
        if (certain) {
          const { entry } = step;
          try {
            if (finding.kind === 'unknowable') await closeUnknowable(deps, body, entry);
            else if (value.fingerprint === fingerprintOf(body)) {
              step = await submit(deps, body, value.key, signal, () =>
                settleUnknown(deps, entry, { status: 'intended' }),
              );
              break;
            } else await settleUnknown(deps, entry, { status: 'failed' });
          } catch (error) {
            if (!(error instanceof ConflictError)) throw error;
          }
          step = nextStep(await clipPurchases(deps, body.generationId), body, deps);
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
          step = nextStep(await clipPurchases(deps, body.generationId), body, deps);
        }
    }
  }
}

/** A purchase of which the provider will say later what became of it. The command is delivered again, without using a try. */
export const stillPending = (key: string, retryAfterMs: number): Postponed =>
  new Postponed('PROVIDER_UNAVAILABLE', `the provider has not reported purchase ${key} yet`, retryAfterMs);

function recordIntent(deps: ClipDeps, body: ClipGenerateBody, key: string): Promise<StoredPurchase> {
  const at = isoNow(deps);
  return deps.purchases.create({
    key,
    generationId: body.generationId,
    kind: 'clip',
    status: 'intended',
    model: body.model,
    provider: deps.providers.of(body.model).name,
    scene: body.scene,
    fingerprint: fingerprintOf(body),
    request: requestOf(body, key),
    createdAt: at,
    updatedAt: at,
  });
}

/** Throws `BUDGET_EXCEEDED` when another purchase could bring the scene over its allowance. */
async function rejectOverBudget(deps: ClipDeps, body: ClipGenerateBody): Promise<void> {
  const { generationId, scene, model, durationSeconds, clipSound, allowanceMicros } = body;
  if (allowanceMicros === undefined) return;
  const charges = (await clipPurchases(deps, generationId)).flatMap(({ value }) =>
    value.scene === scene ? chargesIn(value) : [],
  );
  const sku = clipSku(deps.models, { model, durationSeconds, sound: clipSound ?? true });
  const priceMicros = sku === undefined ? 0 : clipMicros(sku, { seconds: durationSeconds });
  if (netMicros(spendingOf(charges)) + priceMicros > allowanceMicros)
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
    const { id } = await deps.providers.of(body.model).submit(requestOf(body, key), signal, async () => {
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
    const certain = error instanceof ClipmeshError && (NOT_CHARGED.has(error.code) || !error.retryable);
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

/** The change that fails a purchase. When the command ends too, a redelivery publishes the same failure and buys nothing. */
export function failedWith(
  { givesUp }: BuyDeps,
  { attempt }: ClipGenerateBody,
  error: ClipmeshError,
): Pick<Purchase, 'status' | 'gaveUp'> {
  const { code, message: text } = error;
  return { status: 'failed', ...(givesUp(error) ? { gaveUp: { attempt, code, message: text } } : {}) };
}

/**
 * Settles a purchase with an unknown outcome: to be bought again under its key, or failed. A repeated and a later command of
 * one scene may run at once, and only one may settle: throws {@link ConflictError} for the other.
 */
function settleUnknown(
  deps: ClipDeps,
  entry: StoredPurchase,
  change: Partial<Purchase> & Pick<Purchase, 'status'>,
): Promise<StoredPurchase> {
  return deps.purchases.save({ ...entry.value, ...change, updatedAt: isoNow(deps) }, entry.revision);
}

/**
 * Fails a purchase whose outcome its provider cannot say, and charges it. `lost`: the error with which this try ends. Returns when the
 * scene may be bought once more. Throws `PROVIDER_UNAVAILABLE`, not retryable, when it may not, and {@link ConflictError} when another
 * command has settled the purchase.
 */
export async function closeUnknowable(
  deps: BuyDeps,
  body: ClipGenerateBody,
  entry: StoredPurchase,
  lost?: ClipmeshError,
): Promise<void> {
  const { key, generationId, scene } = entry.value;
  const { name: provider, guarantee } = sellerOf(deps, entry);
  const next = afterUnknowable(await clipPurchases(deps, generationId), body, deps.unknownPurchases);
  // A finished purchase, whose file is lost, has its charge.
  const charge = entry.value.charge ?? assumedCharge(deps, purchasedClipOf(entry), entry.value);
  const text = `${provider} cannot say whether it made the clip of purchase ${key}`;
  const failure = new ClipmeshError('PROVIDER_UNAVAILABLE', text, { retryable: false, charges: [charge] });
  await settleUnknown(deps, entry, {
    status: 'failed',
    ...(next === 'fail' ? failedWith(deps, body, failure) : lost && failedWith(deps, body, lost)),
    charge,
    unknowable: { attempt: body.attempt },
  });
  deps.onCharge(charge);
  const fields = { generationId, scene, key, provider, guarantee, amountMicros: charge.amountMicros };
  deps.logger.warn(
    fields,
    `${text}; it is charged, and ${next === 'fail' ? 'the scene fails' : 'is bought once more'}`,
  );
  if (next === 'fail') throw failure;
}

function requestOf(body: ClipGenerateBody, attemptKey: string): ClipRequest {
  const { model, prompt, durationSeconds, aspectRatio, seed, referenceImage, clipSound } = body;
  const image = referenceImage === undefined ? {} : { referenceImage };
  const sound = clipSound === undefined ? {} : { clipSound };
  return { model, prompt, durationSeconds, aspectRatio, seed, ...image, ...sound, attemptKey };
}
