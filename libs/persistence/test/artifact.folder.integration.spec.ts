import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type ArtifactStore, openArtifactFolder } from '../src/index.js';
import { artifactsContract } from './contract/artifacts.contract.js';

let directory: string;
let store: ArtifactStore;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'clipmesh-artifacts-'));
  store = await openArtifactFolder({ directory });
});
afterAll(() => rm(directory, { recursive: true, force: true }));

artifactsContract('folder', () => store);

it('leaves no temporary file when the source fails', async () => {
  const broken = new Readable({
    read() {
      this.destroy(new Error('cut off'));
    },
  });
  await expect(store.put(broken, { contentType: 'video/mp4' })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  expect(await readdir(join(directory, 'tmp'))).toEqual([]);
});

it('sweeps old temporary files only', async () => {
  await writeFile(join(directory, 'tmp', 'left-behind'), 'x');
  expect(await store.sweepTemporary(60_000)).toBe(0);
  expect(await store.sweepTemporary(-1000)).toBe(1);
});
