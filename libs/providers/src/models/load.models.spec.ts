import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { loadModels } from './load.models.js';

const own = {
  id: 'acme/motion',
  provider: 'replicate',
  durations: { min: 3, max: 9 },
  audio: 'always',
  firstFrame: false,
  skus: [{ id: 'second', usdPerSecond: 0.01 }],
  asOf: '2026-11-01',
  source: 'https://example.test',
  inputs: { duration: { field: 'seconds' } },
};
let directory: string;
const write = async (value: unknown): Promise<string> => {
  const file = join(directory, 'own.json');
  await writeFile(file, typeof value === 'string' ? value : JSON.stringify(value));
  return file;
};

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'models-'));
});
afterEach(() => rm(directory, { recursive: true }));

describe('the table of models', () => {
  it('has the shipped models', async () => {
    const models = await loadModels();
    expect([...models.keys()]).toEqual(expect.arrayContaining(['google/veo-3.1', 'kwaivgi/kling-v2.5-turbo-pro']));
    for (const [id, { source, asOf }] of models)
      expect([id, source, asOf]).toEqual([id, expect.stringMatching(/\S/), expect.any(String)]);
  });

  it.each<[string, unknown]>([
    ['one model', own],
    ['a list', [own]],
    ['an object with a list', { models: [own] }],
  ])('adds %s from a file', async (_name, value) => {
    const [shipped, all] = [await loadModels(), await loadModels(await write(value))];
    expect(all.size).toBe(shipped.size + 1);
    expect(all.get('acme/motion')).toMatchObject({ audio: 'always', skus: [{ per: 'second', micros: 10_000 }] });
  });

  it('replaces a shipped model', async () => {
    const all = await loadModels(await write({ ...own, id: 'google/veo-3.1' }));
    expect(all.size).toBe((await loadModels()).size);
    expect(all.get('google/veo-3.1')?.skus).toMatchObject([{ micros: 10_000 }]);
  });

  it.each<[string, unknown, RegExp]>([
    ['text that is not JSON', '{', /^the table of models is not valid: own.json: not JSON/],
    ['a misspelt field', { ...own, duration: 5 }, /own.json: acme\/motion: .*duration/],
    ['every problem of every model', [{ ...own, skus: [] }, { id: 'x' }], /acme\/motion: skus.*; own.json: x: id/],
    ['one model twice', [own, own], /own.json: acme\/motion is there twice/],
  ])('refuses %s', async (_name, value, problem) => {
    await expect(loadModels(await write(value))).rejects.toThrow(problem);
  });

  it('refuses a file that does not exist', async () => {
    await expect(loadModels(join(directory, 'none.json'))).rejects.toThrow('none.json: cannot be read');
  });
});
