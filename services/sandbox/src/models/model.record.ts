import { createHash } from 'node:crypto';
import { z } from 'zod';

/** One price: for inputs, with the model's defaults, that have these values. The first price that matches counts. */
const priceSchema = z
  .strictObject({
    when: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({}),
    usdPerSecond: z.number().nonnegative().optional(),
    usdPerClip: z.number().nonnegative().optional(),
    /** Of computing. Every prediction that started is charged, whatever its end. */
    usdPerGpuSecond: z.number().nonnegative().optional(),
  })
  .refine(
    ({ usdPerSecond, usdPerClip, usdPerGpuSecond }) =>
      [usdPerSecond, usdPerClip, usdPerGpuSecond].filter((price) => price !== undefined).length === 1,
    'expected exactly one of usdPerSecond, usdPerClip and usdPerGpuSecond',
  );

/**
 * A model as its provider describes it: its recorded input schema, and what it charges. Independent of the table of models that
 * Clipmesh uses, so that it can verify that table.
 */
export const modelRecordSchema = z.strictObject({
  id: z.string().min(1),
  /** Where the schema and the prices were read, and when. */
  source: z.string(),
  asOf: z.iso.date(),
  /** The JSON schema of the input, as in the model's OpenAPI document. */
  Input: z.looseObject({
    type: z.literal('object'),
    required: z.array(z.string()).default([]),
    properties: z.record(z.string(), z.record(z.string(), z.unknown())),
  }),
  /** Length of the clips of a model whose input names none, seconds. */
  seconds: z.number().positive().default(5),
  prices: z.array(priceSchema).min(1),
  notes: z.string().optional(),
});
export type ModelRecord = z.output<typeof modelRecordSchema>;

export type Input = Readonly<Record<string, unknown>>;

/** The id of a model's only version: 64 hexadecimal digits. */
export const versionOf = ({ id }: ModelRecord): string => createHash('sha256').update(id).digest('hex');

/** The input with the defaults of the schema. */
export const withDefaults = ({ Input: { properties } }: ModelRecord, input: Input): Input => ({
  ...Object.fromEntries(
    Object.entries(properties).flatMap(([name, { default: value }]) => (value === undefined ? [] : [[name, value]])),
  ),
  ...input,
});

const FIRST_FRAMES = [
  'image',
  'start_image',
  'first_frame_image',
  'first_frame',
  'image_url',
  'start_image_url',
  'input_reference',
];
const LENGTHS = ['duration', 'seconds', 'duration_seconds'];

/** The input field of the first frame; undefined when the model has none. */
export const firstFrameOf = ({ Input: { properties } }: ModelRecord): string | undefined =>
  FIRST_FRAMES.find((name) => name in properties);

/** Length of the clip for this input, seconds: from a number, digits, or a text such as `8s`. */
export function secondsOf(model: ModelRecord, input: Input): number {
  const given = LENGTHS.map((name) => withDefaults(model, input)[name]).find((value) => value !== undefined);
  const seconds = typeof given === 'number' ? given : Number.parseFloat(typeof given === 'string' ? given : '');
  return Number.isFinite(seconds) && seconds > 0 ? seconds : model.seconds;
}

type Price = ModelRecord['prices'][number];

function findPrice(model: ModelRecord, input: Input): Price | undefined {
  const full = withDefaults(model, input);
  return model.prices.find(({ when }) => Object.entries(when).every(([name, value]) => full[name] === value));
}

/** Whether the record has a price for this input. Records name only prices that were published. */
export const hasPrice = (model: ModelRecord, input: Input): boolean => findPrice(model, input) !== undefined;

function priceOf(model: ModelRecord, input: Input): Price {
  const price = findPrice(model, input);
  if (price === undefined) throw new Error(`${model.id} has no price for this input`);
  return price;
}

/** Whether the model is charged by the second of computing, as on a Cog server. */
export const isPerGpuSecond = ({ prices }: ModelRecord): boolean =>
  prices.every(({ usdPerGpuSecond }) => usdPerGpuSecond !== undefined);

/**
 * The price of a clip, micro-dollars. `ranSeconds`: seconds of computing, for models that are charged by it. Throws for an input that
 * no price matches.
 */
export function clipMicros(model: ModelRecord, input: Input, seconds: number, ranSeconds = 0): number {
  const { usdPerClip, usdPerSecond = 0, usdPerGpuSecond } = priceOf(model, input);
  if (usdPerGpuSecond !== undefined) return Math.ceil(Math.round(usdPerGpuSecond * 1_000_000) * ranSeconds);
  return Math.round((usdPerClip ?? usdPerSecond * seconds) * 1_000_000);
}

/** The amount of a clip in the unit of its price: seconds, or one clip. */
export const unitsOf = (model: ModelRecord, input: Input, seconds: number): number =>
  priceOf(model, input).usdPerClip === undefined ? seconds : 1;
