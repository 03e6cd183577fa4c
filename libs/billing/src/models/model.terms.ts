import { ASPECT_RATIOS } from '@clipmesh/contracts';
import { z } from 'zod';

/** US dollars in a data file, at most six decimals; parsed to micro-dollars. */
const usd = z
  .number()
  .min(0)
  .max(1000)
  .transform((value) => Math.round(value * 1_000_000));
const ascending = (values: readonly number[]): boolean =>
  values.every((value, at) => at === 0 || value > (values[at - 1] ?? 0));

/** One priced kind of clip. Exactly one of the prices is set. */
const skuSchema = z
  .strictObject({
    /** Unique in the model. */
    id: z.string().min(1),
    /** The clips that it prices: with or without sound, of a resolution, of a length in seconds. Default: all. */
    when: z
      .strictObject({ audio: z.boolean().optional(), resolution: z.string().optional(), seconds: z.int().optional() })
      .default({}),
    /** Price of one second of video. */
    usdPerSecond: usd.optional(),
    /** Price of one clip of any length that it prices. */
    usdPerClip: usd.optional(),
    /** Price of one second of computing. `gpuSeconds` bounds the computing that one second of video takes. */
    usdPerGpuSecond: usd.optional(),
    gpuSeconds: z.strictObject({ low: z.number().nonnegative(), high: z.number().positive() }).optional(),
  })
  .transform(({ usdPerSecond, usdPerClip, usdPerGpuSecond, gpuSeconds, ...sku }, context) => {
    const prices = [
      { per: 'second' as const, micros: usdPerSecond },
      { per: 'clip' as const, micros: usdPerClip },
      { per: 'gpu_second' as const, micros: usdPerGpuSecond },
    ].flatMap(({ per, micros }) => (micros === undefined ? [] : [{ per, micros }]));
    const [price] = prices;
    if (price === undefined || prices.length > 1) {
      context.addIssue('expected exactly one of usdPerSecond, usdPerClip and usdPerGpuSecond');
      return z.NEVER;
    }
    if ((price.per === 'gpu_second') !== (gpuSeconds !== undefined)) {
      context.addIssue('expected gpuSeconds together with usdPerGpuSecond');
      return z.NEVER;
    }
    return { ...sku, ...price, ...(gpuSeconds === undefined ? {} : { gpuSeconds }) };
  });
/** A price in micro-dollars, per second of video, per clip, or per second of computing. */
export type Sku = z.output<typeof skuSchema>;

/** The terms of a video model: what it can make, and what that costs. */
export const modelTermsShape = {
  /** The name of the model in requests, settings and reports: `owner/name`. */
  id: z.string().regex(/^[\w.-]+(\/[\w.-]+)+$/, 'expected owner/name'),
  /** The provider that runs it. */
  provider: z.string().min(1),
  /** Clip lengths, seconds: a list in ascending order, or every whole second of a range. */
  durations: z.union([
    z.array(z.int().positive()).min(1).refine(ascending, 'expected ascending lengths'),
    z
      .strictObject({ min: z.int().positive(), max: z.int().positive() })
      .refine(({ min, max }) => min <= max, 'expected min not above max'),
  ]),
  /** Aspect ratios that it takes. Its clips are fitted to other ratios. Default: none. */
  aspectRatios: z.array(z.enum(ASPECT_RATIOS)).default([]),
  /** True: with a first frame, the clip has the ratio of that image. */
  ratioFollowsImage: z.boolean().default(false),
  /** Resolutions, in ascending order: the provider's name, and the pixels of the short side. Default: not a choice. */
  resolutions: z.array(z.strictObject({ name: z.string(), pixels: z.int().positive() })).default([]),
  /** Whether clips have sound: never, always, or as requested. */
  audio: z.enum(['none', 'optional', 'always']),
  /** Whether it takes an image as the first frame, perhaps only with some ratios or lengths. */
  firstFrame: z.union([
    z.boolean(),
    z.strictObject({
      aspectRatios: z.array(z.enum(ASPECT_RATIOS)).optional(),
      durations: z.array(z.int().positive()).optional(),
    }),
  ]),
  /** Whether the same seed gives the same clip. */
  seed: z.boolean().default(false),
  skus: z.array(skuSchema).min(1),
  /** The day on which the terms were checked. */
  asOf: z.iso.date(),
  /** Where the terms are published. */
  source: z.string().min(1),
} as const;

export type ModelTerms = Readonly<z.output<z.ZodObject<typeof modelTermsShape>>>;
/** The terms of every known model, by id. */
export type ModelTable = ReadonlyMap<string, ModelTerms>;

/** Everything that decides the price of a clip. */
export interface ClipKind {
  readonly audio: boolean;
  readonly resolution: string | undefined;
  readonly seconds: number;
}

const applies = ({ when }: Sku, { audio, resolution, seconds }: ClipKind): boolean =>
  (when.audio ?? audio) === audio &&
  (when.resolution ?? resolution) === resolution &&
  (when.seconds ?? seconds) === seconds;

/** The SKU of a kind of clip. Undefined only for terms that {@link termsProblems} rejects, or a kind that the model lacks. */
export const skuOf = ({ skus }: Pick<ModelTerms, 'skus'>, kind: ClipKind): Sku | undefined =>
  skus.find((sku) => applies(sku, kind));

/** The lengths that a model offers, seconds, ascending. */
export function lengthsOf({ durations }: Pick<ModelTerms, 'durations'>): readonly number[] {
  if ('min' in durations)
    return Array.from({ length: durations.max - durations.min + 1 }, (_, more) => durations.min + more);
  return durations;
}

const SOUND = { none: [false], always: [true], optional: [true, false] } as const;

/** Every kind of clip that a model offers. */
export function kindsOf(terms: Pick<ModelTerms, 'audio' | 'resolutions' | 'durations'>): ClipKind[] {
  const names = terms.resolutions.length === 0 ? [undefined] : terms.resolutions.map(({ name }) => name);
  return SOUND[terms.audio].flatMap((audio) =>
    names.flatMap((resolution) => lengthsOf(terms).map((seconds) => ({ audio, resolution, seconds }))),
  );
}

/** What is wrong with terms whose fields are valid one by one. Empty when nothing is. */
export function termsProblems(terms: ModelTerms): string[] {
  const ids = terms.skus.map(({ id }) => id);
  const pixels = terms.resolutions.map(({ pixels: lines }) => lines);
  return [
    ...(new Set(ids).size === ids.length ? [] : ['skus: expected different ids']),
    ...(ascending(pixels) ? [] : ['resolutions: expected ascending pixels']),
    ...(typeof terms.firstFrame === 'object' &&
    terms.firstFrame.durations?.every((length) => lengthsOf(terms).includes(length)) === false
      ? ['firstFrame: expected durations that the model offers']
      : []),
    ...kindsOf(terms).flatMap((kind) => {
      const count = terms.skus.filter((sku) => applies(sku, kind)).length;
      const name = [`${kind.seconds} s`, kind.audio ? 'with sound' : 'without sound', kind.resolution ?? '']
        .filter(Boolean)
        .join(' ');
      return count === 1 ? [] : [`skus: a clip of ${name} has ${count} prices, expected one`];
    }),
    ...terms.skus
      .filter((sku) => !kindsOf(terms).some((kind) => applies(sku, kind)))
      .map(({ id }) => `skus: ${id} prices no clip that the model offers`),
  ];
}
