import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { openArtifactFolder } from '../src/index.js';
import { artifactStoreContract } from './contract/artifacts.contract.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'clipmesh-artifacts-'));
});
afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

artifactStoreContract('folder', () => openArtifactFolder({ directory }));

it('leaves nothing of a source that breaks, and says why', async () => {
  const store = await openArtifactFolder({ directory });
  const broken = Readable.from(
    (function* () {
      yield Buffer.from('a');
      throw new Error('cut off');
    })(),
  );
  await expect(store.put(broken, { contentType: 'video/mp4' })).rejects.toThrow('cut off');
  await expect(store.put(join(directory, 'none'), { contentType: 'video/mp4' })).rejects.toThrow('ENOENT');
  expect(await readdir(directory, { recursive: true })).toEqual(['tmp']);
});

it('sweeps what a crash left in tmp, by age', async () => {
  const store = await openArtifactFolder({ directory });
  await writeFile(join(directory, 'tmp', 'x.part'), 'half');
  expect(await store.sweepTemporary(60_000)).toBe(0);
  expect(await store.sweepTemporary(-1)).toBe(1);
  expect(await readdir(join(directory, 'tmp'))).toEqual([]);
});
