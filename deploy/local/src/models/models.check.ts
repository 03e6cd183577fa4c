import { messageOf } from '@clipmesh/contracts';
import { driftOf, type ModelEntry, type ModelSchemas, targetOf } from '@clipmesh/providers';

/** The result of one model's check. */
export type CheckedModel = { readonly id: string } & (
  | { readonly kind: 'same' }
  | { readonly kind: 'drift'; readonly drift: readonly string[] }
  /** The provider's schema could not be read. */
  | { readonly kind: 'unread'; readonly reason: string }
  /** The provider publishes no schema that can be compared. */
  | { readonly kind: 'unchecked'; readonly reason: string }
);

/** Reads the schemas of a model by the provider's name for it. */
export type ReadSchemas = (target: string) => Promise<ModelSchemas>;
/** The readers by provider. */
export type SchemaReaders = ReadonlyMap<string, ReadSchemas>;

/** Compares a model with what its provider publishes. Never rejects. */
export async function checkModel(entry: ModelEntry, readers: SchemaReaders): Promise<CheckedModel> {
  const { id, provider } = entry;
  const read = readers.get(provider);
  if (read === undefined) return { id, kind: 'unchecked', reason: `no schema is read from the provider ${provider}` };
  const targets = [...new Set([targetOf(entry, false), targetOf(entry, true)])];
  try {
    const schemas = await Promise.all(targets.map(read));
    const drift = [...new Set(schemas.flatMap((one) => driftOf(entry, one)))];
    return drift.length === 0 ? { id, kind: 'same' } : { id, kind: 'drift', drift };
  } catch (error) {
    return { id, kind: 'unread', reason: messageOf(error) };
  }
}

/** Compares the models one after another, in the order of their ids. */
export async function checkModels(entries: readonly ModelEntry[], readers: SchemaReaders): Promise<CheckedModel[]> {
  const checked: CheckedModel[] = [];
  for (const entry of entries.toSorted((a, b) => (a.id < b.id ? -1 : 1)))
    checked.push(await checkModel(entry, readers));
  return checked;
}

/** The models that do not pass: they differ, or could not be read. */
export const failedOf = (checked: readonly CheckedModel[]): CheckedModel[] =>
  checked.filter(({ kind }) => kind === 'drift' || kind === 'unread');
