import { lengthsOf, modelTermsShape, termsProblems } from '@clipmesh/billing';
import { ASPECT_RATIOS, ClipmeshError } from '@clipmesh/contracts';
import { z } from 'zod';

const field = z.string().min(1);

/** The model's own names for its inputs. An input that is absent is never sent. */
const inputsSchema = z.strictObject({
  prompt: field.default('prompt'),
  /** Takes the URL of the first frame; `list`: a list of one URL. */
  firstFrame: z.strictObject({ field, list: z.boolean().default(false) }).optional(),
  /** Length of the clip: a number, digits in a string, or a string such as `8s`. */
  duration: z.strictObject({ field, as: z.enum(['number', 'string', 'seconds']).default('number') }).optional(),
  /**
   * `values`: the model's own words for aspect ratios. Default: `9:16` and the like. `withImage`: false when the model that takes a
   * first frame has no such input.
   */
  aspectRatio: z
    .strictObject({
      field,
      values: z.partialRecord(z.enum(ASPECT_RATIOS), z.string()).default({}),
      withImage: z.boolean().default(true),
    })
    .optional(),
  resolution: field.optional(),
  /** A boolean: whether the clip has sound. */
  audio: field.optional(),
  /** `max`: the largest seed that the model takes. Default: 2147483647. */
  seed: z.strictObject({ field, max: z.int().positive().default(2_147_483_647) }).optional(),
  /** Inputs that are sent with every request. */
  fixed: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({}),
});

/** A model in the table: its terms, the provider's name for it, and its inputs. */
export const modelEntrySchema = z
  .strictObject({
    /** For editors only. */
    $schema: z.string().optional(),
    ...modelTermsShape,
    /** The provider's name of the model, if it differs from the id. At Replicate, `owner/name:version` runs one version. */
    target: z.string().min(1).optional(),
    /** The provider's name of the model that takes a first frame, if it is another one. */
    imageTarget: z.string().min(1).optional(),
    inputs: inputsSchema,
    /** Values of inputs that the model takes and the table leaves out on purpose, by input. They are no drift. */
    omitted: z.record(z.string(), z.array(z.string()).min(1)).default({}),
  })
  .superRefine((entry, context) => {
    for (const message of [...termsProblems(entry), ...inputProblems(entry)])
      context.addIssue({ code: 'custom', message });
  });
export type ModelEntry = Readonly<z.output<typeof modelEntrySchema>>;
/** Every known model, by id. */
export type ModelEntries = ReadonlyMap<string, ModelEntry>;

/** The provider's name of the model, for a request with or without a first frame. */
export const targetOf = ({ id, target, imageTarget }: ModelEntry, hasImage: boolean): string =>
  (hasImage ? imageTarget : undefined) ?? target ?? id;

/** The entry of a model. Throws `PROVIDER_BAD_INPUT` for an unknown one. */
export function entryOf(models: ModelEntries, model: string): ModelEntry {
  const entry = models.get(model);
  if (entry === undefined) throw new ClipmeshError('PROVIDER_BAD_INPUT', `model ${model} is unknown`);
  return entry;
}

type Fields = Pick<
  ModelEntry,
  'inputs' | 'firstFrame' | 'audio' | 'resolutions' | 'aspectRatios' | 'durations' | 'seed'
>;

/** Choices of the terms that have no input, and inputs that the terms do not offer. */
function inputProblems({ inputs, firstFrame, audio, resolutions, aspectRatios, seed, ...rest }: Fields): string[] {
  const pairs: readonly (readonly [name: string, offered: boolean, sent: boolean])[] = [
    ['firstFrame', firstFrame !== false, inputs.firstFrame !== undefined],
    ['audio', audio === 'optional', inputs.audio !== undefined],
    ['resolution', resolutions.length > 0, inputs.resolution !== undefined],
    ['aspectRatio', aspectRatios.length > 0, inputs.aspectRatio !== undefined],
    ['seed', seed, inputs.seed !== undefined],
  ];
  return [
    ...pairs
      .filter(([, offered, sent]) => offered !== sent)
      .map(([name, offered]) =>
        offered
          ? `inputs.${name}: missing, although the model offers the choice`
          : `inputs.${name}: not a choice of the model`,
      ),
    ...(inputs.duration === undefined && lengthsOf(rest).length > 1
      ? ['inputs.duration: missing, although the model offers several lengths']
      : []),
  ];
}
