import { type AspectRatio } from '@clipmesh/contracts';
import { type ClipKind, lengthsOf, type ModelTerms, type Sku, skuOf } from './model.terms.js';

/** What a scene needs from a clip. */
export interface ClipNeeds {
  /** Length of the scene, seconds. */
  readonly seconds: number;
  readonly aspectRatio: AspectRatio;
  /** Whether an image is the first frame. */
  readonly hasImage: boolean;
  /** Whether the sound of the clip is used. Silent clips cost less on some models. */
  readonly sound: boolean;
}

/** The clip that a model makes for a scene, and its price. */
export interface ClipQuote extends ClipKind {
  readonly sku: Sku;
  /** Micro-dollars. They differ where the price depends on computing time. */
  readonly lowMicros: number;
  readonly highMicros: number;
}

/** Pixels of the short side of every video. */
const SHORT_SIDE = 720;

/** The smallest resolution that needs no scaling up; the largest when there is none. */
function resolutionFor({ resolutions }: ModelTerms): string | undefined {
  return (resolutions.find(({ pixels }) => pixels >= SHORT_SIDE) ?? resolutions.at(-1))?.name;
}

/** The kind of the clip that a model makes of a length that it offers. */
export function clipKind(terms: ModelTerms, { seconds, sound }: Pick<ClipNeeds, 'seconds' | 'sound'>): ClipKind {
  const audio = terms.audio === 'optional' ? sound : terms.audio === 'always';
  return { audio, resolution: resolutionFor(terms), seconds };
}

/** Why a model cannot make a clip; undefined when it can. */
export function refusalOf(terms: ModelTerms, { seconds, aspectRatio, hasImage }: ClipNeeds): string | undefined {
  const { firstFrame } = terms;
  const longest = lengthsOf(terms).at(-1) ?? 0;
  if (seconds > longest) return `its clips have at most ${longest} s, and the scene has ${seconds} s`;
  if (!hasImage || firstFrame === true) return undefined;
  if (firstFrame === false) return 'it takes no reference image';
  const { aspectRatios, durations } = firstFrame;
  if (aspectRatios !== undefined && !aspectRatios.includes(aspectRatio))
    return `it takes a reference image only with the aspect ratio ${aspectRatios.join(' or ')}`;
  if (durations !== undefined && !durations.some((length) => length >= seconds))
    return `it takes a reference image only with clips of ${durations.join(' or ')} s`;
  return undefined;
}

/** The clip that the model makes for these needs, with its price. Undefined when {@link refusalOf} gives a reason. */
export function quoteClip(terms: ModelTerms, needs: ClipNeeds): ClipQuote | undefined {
  if (refusalOf(terms, needs) !== undefined) return undefined;
  const { firstFrame } = terms;
  const allowed = needs.hasImage && typeof firstFrame === 'object' ? firstFrame.durations : undefined;
  const seconds = lengthsOf(terms).find(
    (length) => length >= needs.seconds && (allowed === undefined || allowed.includes(length)),
  );
  if (seconds === undefined) return undefined;
  const kind = clipKind(terms, { seconds, sound: needs.sound });
  const sku = skuOf(terms, kind);
  return sku === undefined ? undefined : { ...kind, sku, ...rangeOf(sku, seconds) };
}

function rangeOf(sku: Sku, seconds: number): { lowMicros: number; highMicros: number } {
  const highMicros = clipMicros(sku, { seconds });
  return {
    lowMicros: sku.gpuSeconds === undefined ? highMicros : Math.floor(sku.micros * sku.gpuSeconds.low * seconds),
    highMicros,
  };
}

/**
 * The price of a clip, micro-dollars, rounded up. `gpuSeconds` is the computing time that the provider reports; without it, the
 * upper bound counts.
 */
export function clipMicros(
  { per, micros, gpuSeconds: bounds }: Sku,
  { seconds, gpuSeconds }: { seconds: number; gpuSeconds?: number | undefined },
): number {
  switch (per) {
    case 'clip':
      return micros;
    case 'second':
      return Math.ceil(micros * seconds);
    case 'gpu_second':
      return Math.ceil(micros * (gpuSeconds ?? (bounds?.high ?? 0) * seconds));
  }
}
