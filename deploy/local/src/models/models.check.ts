import { messageOf } from '@clipmesh/contracts';
import { type ClipForm, driftOf, type ModelEntry, type ReadSchemas, targetOf } from '@clipmesh/providers';

/** The result of one model's check. */
export type CheckedModel = { readonly id: string } & (
  | { readonly kind: 'same' }
  | { readonly kind: 'drift'; readonly drift: readonly string[] }
  /** The provider's schema could not be read. */
  | { readonly kind: 'unread'; readonly reason: string }
  /** The provider was not asked. */
  | { readonly kind: 'unchecked'; readonly reason: string }
);

/** What reads the schemas of a model, or why nothing can. */
export type SchemaReader = (entry: ModelEntry) => ReadSchemas | { readonly reason: string };

/** The targets of a model, with the clips that each of them makes. */
function targetsOf(entry: ModelEntry): readonly (readonly [target: string, form: ClipForm])[] {
  const [text, image] = [targetOf(entry, false), targetOf(entry, true)];
  if (text === image) return [[text, 'both']];
  return [
    [text, 'without-image'],
    [image, 'with-image'],
  ];
}

/** Compares a model with what its provider publishes. Never rejects. */
export async function checkModel(entry: ModelEntry, readerOf: SchemaReader): Promise<CheckedModel> {
  const { id } = entry;
  const read = readerOf(entry);
  if (typeof read !== 'function') return { id, kind: 'unchecked', reason: read.reason };
  try {
    const found = await Promise.all(
      targetsOf(entry).map(async ([target, form]) => driftOf(entry, await read(target), form)),
    );
    const drift = [...new Set(found.flat())];
    return drift.length === 0 ? { id, kind: 'same' } : { id, kind: 'drift', drift };
  } catch (error) {
    return { id, kind: 'unread', reason: messageOf(error) };
  }
}

/** Compares the models one after another, in the order of their ids. */
export async function checkModels(entries: readonly ModelEntry[], readerOf: SchemaReader): Promise<CheckedModel[]> {
  const checked: CheckedModel[] = [];
  for (const entry of entries.toSorted((a, b) => (a.id < b.id ? -1 : 1)))
    checked.push(await checkModel(entry, readerOf));
  return checked;
}

/** Why a check does not pass, as a sentence: models differ, could not be read, or none was compared. Undefined: it passes. */
export function problemOf(checked: readonly CheckedModel[]): string | undefined {
  const failed = checked.filter(({ kind }) => kind === 'drift' || kind === 'unread').length;
  if (failed > 0) return `${failed} of ${checked.length} models differ from their providers, or could not be read.`;
  return checked.some(({ kind }) => kind === 'same') ? undefined : 'No model was compared with its provider.';
}
