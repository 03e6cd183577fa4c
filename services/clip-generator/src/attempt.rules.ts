import { createHash } from 'node:crypto';
import { type ClipGenerateBody, SCENE_SECONDS } from '@clipmesh/contracts';
import { type Attempt, type Versioned } from '@clipmesh/persistence';
import { MODELS, snapSeconds } from '@clipmesh/pipeline';
import { clipRequestSchema } from '@clipmesh/providers';

export type StoredPurchase = Versioned<Attempt>;

/** How long a purchase can stay unseen, ms. */
export interface OutcomeTimeouts {
  /** Longest a create call can be under way. */
  readonly callTimeoutMs: number;
  /** After a call has ended, the provider shows what it took within this time. */
  readonly settleMs: number;
}

/** What to do about a clip, given what was tried before. */
export type Step =
  /** It is paid for and kept: nothing to do. */
  | { readonly kind: 'use'; readonly entry: StoredPurchase }
  /** It is bought: wait for that prediction and collect it. */
  | { readonly kind: 'attach'; readonly entry: StoredPurchase }
  /** It may be bought: look at the provider, and buy only when it is not there at `certainAtMs`. */
  | { readonly kind: 'search'; readonly entry: StoredPurchase; readonly certainAtMs: number }
  /** Write an intent under this key, then buy. */
  | { readonly kind: 'buy'; readonly key: string };

/** Everything that the clip depends on; the number of the command is not among it. */
export function fingerprintOf(body: ClipGenerateBody): string {
  const { model, prompt, durationSeconds, aspectRatio, seed, referenceImage } = body;
  const image = referenceImage === undefined ? [] : [referenceImage.sha256];
  return createHash('sha256')
    .update(JSON.stringify([model, prompt, durationSeconds, aspectRatio, seed, ...image]))
    .digest('hex');
}

const PROGRESS_RANK = { finished: 4, submitted: 3, unanswered: 2, intended: 1, failed: 0, canceled: 0 } as const;

const UNKNOWN_OUTCOME: ReadonlySet<Attempt['status']> = new Set(['intended', 'unanswered', 'submitted']);

/** The lengths that a scene may have, seconds. */
const LENGTHS = Array.from(
  { length: SCENE_SECONDS.max - SCENE_SECONDS.min + 1 },
  (_, more) => SCENE_SECONDS.min + more,
);
type Length = Pick<ClipGenerateBody, 'model' | 'durationSeconds'>;

/** Whether a scene of some length asks both models for these clips: each has lengths of its own. */
function isSameLength(one: Length, other: Length): boolean {
  const gives = ({ model, durationSeconds }: Length, seconds: number): boolean => {
    const known = MODELS[model];
    return durationSeconds === (known === undefined ? seconds : snapSeconds(known, seconds));
  };
  if (one.model === other.model) return one.durationSeconds === other.durationSeconds;
  return LENGTHS.some((seconds) => gives(one, seconds) && gives(other, seconds));
}

/** Whether an attempt, at whatever model, was to give the same picture. */
function isSamePicture({ request }: Attempt, body: ClipGenerateBody): boolean {
  const { data } = clipRequestSchema.safeParse(request);
  return (
    data?.prompt === body.prompt &&
    data.seed === body.seed &&
    data.aspectRatio === body.aspectRatio &&
    data.referenceImage?.sha256 === body.referenceImage?.sha256 &&
    isSameLength(data, body)
  );
}

/** Purchases for the scene whose end nobody has seen, of a clip that is not wanted any more: an earlier run asked for it. */
export function unknownPreviousOf(entries: readonly StoredPurchase[], body: ClipGenerateBody): StoredPurchase[] {
  const fingerprint = fingerprintOf(body);
  return entries.filter(
    ({ value }) =>
      value.kind === 'clip' &&
      value.scene === body.scene &&
      UNKNOWN_OUTCOME.has(value.status) &&
      value.fingerprint !== fingerprint &&
      !isSamePicture(value, body),
  );
}

/** How this very command ended before, whatever model or purchase it ended with; a command of a later step is another try. */
export function previousFailureOf(entries: readonly StoredPurchase[], body: ClipGenerateBody): Attempt['gaveUp'] {
  return entries.find(({ value }) => value.scene === body.scene && value.gaveUp?.attempt === body.attempt)?.value
    .gaveUp;
}

/**
 * The next step for a clip. Of several attempts at it the one that is furthest counts; one at another model, too, whose
 * end nobody saw: should it have been bought, it is the clip.
 */
export function nextStep(entries: readonly StoredPurchase[], body: ClipGenerateBody, doubt: OutcomeTimeouts): Step {
  const ofScene = entries.filter(({ value }) => value.kind === 'clip' && value.scene === body.scene);
  const fingerprint = fingerprintOf(body);
  const own = (entry: StoredPurchase): boolean => entry.value.fingerprint === fingerprint;
  const [best] = ofScene
    .filter((entry) => PROGRESS_RANK[entry.value.status] > 0 && (own(entry) || isSamePicture(entry.value, body)))
    .sort((a, b) => PROGRESS_RANK[b.value.status] - PROGRESS_RANK[a.value.status] || Number(own(b)) - Number(own(a)));
  if (best === undefined) return { kind: 'buy', key: `clip.${body.generationId}.${body.scene}.${ofScene.length + 1}` };
  return stepFor(best, doubt);
}

/** What an open attempt needs. */
export function stepFor(entry: StoredPurchase, { callTimeoutMs, settleMs }: OutcomeTimeouts): Exclude<Step, { kind: 'buy' }> {
  const { status, artifact, predictionId, updatedAt } = entry.value;
  if (predictionId !== undefined)
    return status === 'finished' && artifact !== undefined ? { kind: 'use', entry } : { kind: 'attach', entry };
  const inFlightMs = status === 'intended' ? callTimeoutMs : 0;
  return { kind: 'search', entry, certainAtMs: Date.parse(updatedAt) + inFlightMs + settleMs };
}
