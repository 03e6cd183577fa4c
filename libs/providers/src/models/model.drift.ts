import { lengthsOf } from '@clipmesh/billing';
import { ASPECT_RATIOS } from '@clipmesh/contracts';
import { z } from 'zod';
import { type ModelEntry } from './model.entry.js';

const propertySchema = z.looseObject({
  type: z.string().optional(),
  enum: z.array(z.unknown()).optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  default: z.unknown().optional(),
  $ref: z.string().optional(),
  allOf: z.array(z.looseObject({ $ref: z.string().optional() })).optional(),
  anyOf: z.array(z.looseObject({ $ref: z.string().optional(), type: z.string().optional() })).optional(),
});
type Property = z.output<typeof propertySchema>;

/** The schemas of a model's OpenAPI document, `components.schemas`, with that of its input as `Input`. */
export const modelSchemas = z.record(z.string(), z.looseObject({})).refine((all) => 'Input' in all, 'has no Input');
export type ModelSchemas = z.output<typeof modelSchemas>;

const inputSchema = z.looseObject({
  required: z.array(z.string()).default([]),
  properties: z.record(z.string(), propertySchema).default({}),
});

/** The property with what it refers to. Providers describe enums in schemas of their own, and optional values as `anyOf` with null. */
function resolved(property: Property, schemas: ModelSchemas): Property {
  const choices = (property.anyOf ?? []).filter(({ type }) => type !== 'null');
  const parts = [{ $ref: property.$ref }, ...(property.allOf ?? []), ...(choices.length === 1 ? choices : [])];
  return parts.reduce<Property>((sum, { $ref, ...own }) => {
    const target = propertySchema.safeParse($ref === undefined ? own : schemas[$ref.split('/').at(-1) ?? '']);
    return target.success ? { ...target.data, ...sum } : sum;
  }, property);
}

/** Which clips a target of a provider makes: with a first frame, without one, or both. */
export type ClipForm = 'with-image' | 'without-image' | 'both';

/** The inputs that are sent to a target for clips of this form. */
function sentFields({ inputs }: ModelEntry, form: ClipForm): string[] {
  const { firstFrame, aspectRatio } = inputs;
  return [
    inputs.prompt,
    form === 'without-image' ? undefined : firstFrame?.field,
    inputs.duration?.field,
    form === 'with-image' && aspectRatio?.withImage === false ? undefined : aspectRatio?.field,
    inputs.resolution,
    inputs.audio,
    inputs.seed?.field,
    ...Object.keys(inputs.fixed),
  ].filter((field) => field !== undefined);
}

/**
 * The differences between a model in the table and the input schema that its provider publishes for a target of it, one sentence each.
 * Empty when there are none. Default of `form`: the target makes clips of both forms.
 */
export function driftOf(entry: ModelEntry, schemas: ModelSchemas, form: ClipForm = 'both'): string[] {
  const { inputs } = entry;
  const { required, properties } = inputSchema.parse(schemas['Input']);
  const fields = sentFields(entry, form);
  const property = (field: string): Property | undefined => {
    const found = fields.includes(field) || required.includes(field) ? properties[field] : undefined;
    return found && resolved(found, schemas);
  };
  const missing = fields
    .filter((field) => !(field in properties))
    .map((field) => `${field}: the model has no such input`);
  const unsent = required
    .filter((field) => !fields.includes(field) && property(field)?.default === undefined)
    .map((field) => `${field}: the model requires it, and the table does not send it`);
  return [
    ...missing,
    ...unsent,
    ...durationDrift(entry, property),
    ...choiceDrift(
      inputs.aspectRatio?.field,
      entry.aspectRatios.map((ratio) => inputs.aspectRatio?.values[ratio] ?? ratio),
      property,
      {
        relevant:
          inputs.aspectRatio === undefined || Object.keys(inputs.aspectRatio.values).length > 0
            ? undefined
            : ASPECT_RATIOS,
        omitted: entry.omitted[inputs.aspectRatio?.field ?? ''],
      },
    ),
    ...choiceDrift(
      inputs.resolution,
      entry.resolutions.map(({ name }) => name),
      property,
      { omitted: entry.omitted[inputs.resolution ?? ''] },
    ),
    ...typeDrift(inputs.audio, 'boolean', property),
    ...seedDrift(entry, property),
  ];
}

type Find = (field: string) => Property | undefined;

const listed = (values: readonly unknown[]): string => values.map(String).join(', ');

function durationDrift({ inputs: { duration }, omitted, ...terms }: ModelEntry, find: Find): string[] {
  const property = duration && find(duration.field);
  if (duration === undefined || property === undefined) return [];
  const { field, as } = duration;
  const isText = property.type === 'string';
  const type = isText === (as === 'number') ? [`${field}: the model takes ${isText ? 'text' : 'a number'}`] : [];
  const seconds = (value: unknown): number => Number.parseFloat(String(value));
  const ours = lengthsOf(terms);
  const left = (omitted[field] ?? []).map(seconds);
  const offered = property.enum?.map(seconds).filter((value) => value > 0 && !left.includes(value));
  if (offered !== undefined) return [...type, ...difference(field, ours, offered, (value) => `${value} s`)];
  const { minimum = 1, maximum = Infinity } = property;
  const outside = ours.filter((value) => value < minimum || value > maximum);
  return [
    ...type,
    ...(outside.length === 0 ? [] : [`${field}: the model takes ${minimum} to ${maximum} s, not ${listed(outside)} s`]),
    ...(maximum !== Infinity && (ours.at(-1) ?? 0) < maximum
      ? [`${field}: the model also takes up to ${maximum} s`]
      : []),
  ];
}

function choiceDrift(
  field: string | undefined,
  ours: readonly string[],
  find: Find,
  {
    relevant,
    omitted = [],
  }: { readonly relevant?: readonly string[] | undefined; readonly omitted?: readonly string[] | undefined },
): string[] {
  const offered = field === undefined ? undefined : find(field)?.enum?.map(String);
  if (field === undefined || offered === undefined) return [];
  return difference(
    field,
    // A value that the table leaves out, and that the model does not take any more, is drift too.
    [...ours, ...omitted],
    offered.filter((value) => omitted.includes(value) || (relevant?.includes(value) ?? true)),
    (value) => value,
  );
}

function difference<T>(field: string, ours: readonly T[], offered: readonly T[], name: (value: T) => string): string[] {
  const gone = ours.filter((value) => !offered.includes(value));
  const fresh = offered.filter((value) => !ours.includes(value));
  return [
    ...(gone.length === 0 ? [] : [`${field}: the model does not take ${gone.map(name).join(', ')}`]),
    ...(fresh.length === 0 ? [] : [`${field}: the model also takes ${fresh.map(name).join(', ')}`]),
  ];
}

function typeDrift(field: string | undefined, type: string, find: Find): string[] {
  const given = field === undefined ? undefined : find(field)?.type;
  return given === undefined || given === type ? [] : [`${field ?? ''}: the model takes ${given}, not ${type}`];
}

function seedDrift({ inputs: { seed } }: ModelEntry, find: Find): string[] {
  const maximum = seed === undefined ? undefined : find(seed.field)?.maximum;
  if (seed === undefined || maximum === undefined || maximum >= seed.max) return [];
  return [`${seed.field}: the model takes at most ${maximum}, and the table sends up to ${seed.max}`];
}
