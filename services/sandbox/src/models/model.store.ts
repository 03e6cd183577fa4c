import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ModelRecord, modelRecordSchema, versionOf } from './model.record.js';

/** The recorded models: beside the bundled sandbox, else in its package. */
const FOLDERS = ['sandbox-models/', '../../models/'].map((path) => fileURLToPath(new URL(path, import.meta.url)));

/** Reads the recorded models. Throws when a record is not valid. */
export async function readRecords(): Promise<ModelRecord[]> {
  const folder = FOLDERS.find((path) => existsSync(path));
  if (folder === undefined) throw new Error('the folder of the recorded models is missing');
  const names = (await readdir(folder)).filter((name) => name.endsWith('.json')).sort();
  return Promise.all(
    names.map(async (name) => modelRecordSchema.parse(JSON.parse(await readFile(join(folder, name), 'utf8')))),
  );
}

/** The models of the sandbox: the recorded ones, and those of the scenario. */
export class ModelStore {
  /** `ofScenario` win over recorded ones with the same id. */
  constructor(
    private readonly recorded: readonly ModelRecord[],
    private readonly ofScenario: () => readonly ModelRecord[],
  ) {}

  private all(): readonly ModelRecord[] {
    return [...this.ofScenario(), ...this.recorded];
  }

  find(id: string): ModelRecord | undefined {
    return this.all().find((model) => model.id === id);
  }

  /** Finds a model by version id, `owner/name` or `owner/name:version`. */
  findVersion(version: string): ModelRecord | undefined {
    const [name = '', id] = version.split(':');
    const model = this.find(name) ?? this.all().find((candidate) => versionOf(candidate) === name);
    return model === undefined || (id !== undefined && id !== versionOf(model)) ? undefined : model;
  }
}
