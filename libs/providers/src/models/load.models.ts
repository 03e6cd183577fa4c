import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ModelEntries, type ModelEntry, modelEntrySchema } from './model.entry.js';
import { z } from 'zod';

/** The shipped table: beside a bundled service, else in the library. */
const FOLDERS = ['models/', '../../models/'].map((path) => fileURLToPath(new URL(path, import.meta.url)));

/** A file of models is not valid. The message names the file, the model and the field. */
export class ModelsError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(`the table of models is not valid: ${problems.join('; ')}`);
    this.name = 'ModelsError';
  }
}

/**
 * The shipped models, and those of `file` (`MODELS_FILE`), which add to them or replace them by id. Throws {@link ModelsError}
 * that lists all problems.
 */
export async function loadModels(file?: string): Promise<ModelEntries> {
  const folder = FOLDERS.find((path) => existsSync(path));
  if (folder === undefined) throw new ModelsError(['the folder of the shipped models is missing']);
  const shipped = (await readdir(folder)).filter((name) => name.endsWith('.json')).sort();
  const problems: string[] = [];
  const entries = new Map<string, ModelEntry>();
  for (const name of shipped)
    for (const entry of await readEntries(join(folder, name), problems)) entries.set(entry.id, entry);
  if (file !== undefined) {
    const own = await readEntries(file, problems);
    const ids = own.map(({ id }) => id);
    const twice = ids.filter((id, at) => ids.indexOf(id) !== at);
    if (twice.length > 0) problems.push(`${basename(file)}: ${twice.join(', ')} is there twice`);
    for (const entry of own) entries.set(entry.id, entry);
  }
  if (problems.length > 0) throw new ModelsError(problems);
  return entries;
}

/** The models of a file: one entry, a list of entries, or `{ "models": […] }`. Adds what is wrong to `problems`. */
async function readEntries(file: string, problems: string[]): Promise<ModelEntry[]> {
  const name = basename(file);
  let value: unknown;
  try {
    value = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    problems.push(`${name}: ${error instanceof SyntaxError ? `not JSON (${error.message})` : 'cannot be read'}`);
    return [];
  }
  const listed = z.object({ models: z.array(z.unknown()) }).safeParse(value);
  const all: unknown[] = listed.success ? listed.data.models : Array.isArray(value) ? (value as unknown[]) : [value];
  return all.flatMap((one, at) => {
    const parsed = modelEntrySchema.safeParse(one);
    if (parsed.success) return [parsed.data];
    const named = z.object({ id: z.string() }).safeParse(one);
    const which = named.success ? named.data.id : all.length === 1 ? 'the model' : `model ${at + 1}`;
    problems.push(
      ...parsed.error.issues.map(
        ({ path, message }) => `${name}: ${which}: ${[path.join('.'), message].filter(Boolean).join(': ')}`,
      ),
    );
    return [];
  });
}
