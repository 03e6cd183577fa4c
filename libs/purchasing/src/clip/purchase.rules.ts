import { createHash } from 'node:crypto';
import { type ClipGenerateBody, SCENE_SECONDS } from '@clipmesh/contracts';
import { type Purchase, type Versioned } from '@clipmesh/persistence';
import { type ModelTable, quoteClip } from '@clipmesh/billing';
import { clipRequestSchema } from '@clipmesh/providers';

export type StoredPurchase = Versioned<Purchase>;

/** How long the outcome of a purchase can stay unknown, ms. */
export interface OutcomeTimeouts {
  /** Timeout of a create call. */
  readonly callTimeoutMs: number;
  /** The provider lists a prediction within this time after its create call has ended. */
  readonly settleMs: number;
}

/** The next step for a clip, given its earlier purchases. */
export type Step =
  /** The clip is paid for and stored: nothing to do. */
  | { readonly kind: 'use'; readonly entry: StoredPurchase }
  /** The clip is bought: wait for its prediction and collect it. */
  | { readonly kind: 'attach'; readonly entry: StoredPurchase }
  /** The outcome is unknown: search at the provider, and buy only when nothing is there at `certainAtMs`. */
  | { readonly kind: 'search'; readonly entry: StoredPurchase; readonly certainAtMs: number }
  /** Record an intent under this key, then buy. */
  | { readonly kind: 'buy'; readonly key: string };

/** Hash of everything that the clip depends on. The command step is not included. */
export function fingerprintOf(body: ClipGenerateBody): string {
  const { model, prompt, durationSeconds, aspectRatio, seed, referenceImage, clipSound } = body;
  const image = referenceImage === undefined ? [] : [referenceImage.sha256];
  const silent = clipSound === false ? ['silent'] : [];
  return createHash('sha256')
    .update(JSON.stringify([model, prompt, durationSeconds, aspectRatio, seed, ...image, ...silent]))
    .digest('hex');
}

const PROGRESS_RANK = { finished: 4, submitted: 3, unanswered: 2, intended: 1, failed: 0, canceled: 0 } as const;

const UNKNOWN_OUTCOME: ReadonlySet<Purchase['status']> = new Set(['intended', 'unanswered', 'submitted']);

/** Possible lengths of a scene, seconds. */
const LENGTHS = Array.from(
  { length: SCENE_SECONDS.max - SCENE_SECONDS.min + 1 },
  (_, more) => SCENE_SECONDS.min + more,
);
type Length = Pick<ClipGenerateBody, 'model' | 'durationSeconds' | 'aspectRatio' | 'referenceImage'>;

/** Whether both clips fit the same scene length. Each model offers lengths of its own. */
function isSameLength(one: Length, other: Length, models: ModelTable): boolean {
  const gives = ({ model, durationSeconds, aspectRatio, referenceImage }: Length, seconds: number): boolean => {
    const terms = models.get(model);
    const needs = { seconds, aspectRatio, hasImage: referenceImage !== undefined, sound: true };
    return durationSeconds === (terms === undefined ? seconds : quoteClip(terms, needs)?.seconds);
  };
  if (one.model === other.model) return one.durationSeconds === other.durationSeconds;
  return LENGTHS.some((seconds) => gives(one, seconds) && gives(other, seconds));
}

/** Whether a purchase, of any model, requested the same picture. */
function isSamePicture({ request }: Purchase, body: ClipGenerateBody, models: ModelTable): boolean {
  const { data } = clipRequestSchema.safeParse(request);
  return (
    data?.prompt === body.prompt &&
    data.seed === body.seed &&
    data.aspectRatio === body.aspectRatio &&
    data.referenceImage?.sha256 === body.referenceImage?.sha256 &&
    (data.clipSound ?? true) === (body.clipSound ?? true) &&
    isSameLength(data, body, models)
  );
}

/** Purchases of the scene with an unknown outcome whose clip is not needed any more: an earlier run requested it. */
export function unknownPreviousOf(
  entries: readonly StoredPurchase[],
  body: ClipGenerateBody,
  models: ModelTable,
): StoredPurchase[] {
  const fingerprint = fingerprintOf(body);
  return entries.filter(
    ({ value }) =>
      value.kind === 'clip' &&
      value.scene === body.scene &&
      UNKNOWN_OUTCOME.has(value.status) &&
      value.fingerprint !== fingerprint &&
      !isSamePicture(value, body, models),
  );
}

/** The failure with which this command ended before, for any model or purchase. A later step is another command. */
export function previousFailureOf(entries: readonly StoredPurchase[], body: ClipGenerateBody): Purchase['gaveUp'] {
  return entries.find(({ value }) => value.scene === body.scene && value.gaveUp?.attempt === body.attempt)?.value
    .gaveUp;
}

/**
 * The next step for a clip. Among several purchases, the most advanced one counts. A purchase of another model with an
 * unknown outcome counts too: if it was bought, it is the clip.
 */
export function nextStep(
  entries: readonly StoredPurchase[],
  body: ClipGenerateBody,
  { outcomeTimeouts, models }: { readonly outcomeTimeouts: OutcomeTimeouts; readonly models: ModelTable },
): Step {
  const ofScene = entries.filter(({ value }) => value.kind === 'clip' && value.scene === body.scene);
  const fingerprint = fingerprintOf(body);
  const own = (entry: StoredPurchase): boolean => entry.value.fingerprint === fingerprint;
  const [best] = ofScene
    .filter(
      (entry) => PROGRESS_RANK[entry.value.status] > 0 && (own(entry) || isSamePicture(entry.value, body, models)),
    )
    .sort((a, b) => PROGRESS_RANK[b.value.status] - PROGRESS_RANK[a.value.status] || Number(own(b)) - Number(own(a)));
  if (best === undefined) return { kind: 'buy', key: `clip.${body.generationId}.${body.scene}.${ofScene.length + 1}` };
  return stepFor(best, outcomeTimeouts);
}

/** What follows a purchase whose outcome its provider cannot say: another purchase, or a failure. */
export type UnknownPurchases = 'rebuy' | 'fail';

/**
 * What follows a purchase of the scene whose outcome its provider cannot say. Each command of a scene buys at most once more after
 * such a purchase.
 */
export function afterUnknowable(
  entries: readonly StoredPurchase[],
  { scene, attempt }: Pick<ClipGenerateBody, 'scene' | 'attempt'>,
  setting: UnknownPurchases,
): UnknownPurchases {
  const before = entries.some(({ value }) => value.scene === scene && value.unknowable?.attempt === attempt);
  return before ? 'fail' : setting;
}

/** The next step for an open purchase. */
export function stepFor(
  entry: StoredPurchase,
  { callTimeoutMs, settleMs }: OutcomeTimeouts,
): Exclude<Step, { kind: 'buy' }> {
  const { status, artifact, predictionId, updatedAt } = entry.value;
  if (predictionId !== undefined)
    return status === 'finished' && artifact !== undefined ? { kind: 'use', entry } : { kind: 'attach', entry };
  const inFlightMs = status === 'intended' ? callTimeoutMs : 0;
  return { kind: 'search', entry, certainAtMs: Date.parse(updatedAt) + inFlightMs + settleMs };
}
