import { mkdir, mkdtemp, readdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
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

const DAY_MS = 86_400_000;
const age = (key: string): Promise<void> => {
  const then = new Date(Date.now() - DAY_MS);
  return utimes(join(directory, key), then, then);
};

artifactStoreContract('folder', () => openArtifactFolder({ directory }), age);

it('ignores foreign files, folders and links in a list', async () => {
  const store = await openArtifactFolder({ directory });
  const { key } = await store.put(Buffer.from('own'), { contentType: 'video/mp4' });
  const hex = 'c'.repeat(64);
  await mkdir(join(directory, 'cc', `${hex}.mov`), { recursive: true });
  await writeFile(join(directory, 'cc', 'notes.txt'), 'foreign');
  await writeFile(join(directory, 'cc', `${hex}.MP4`), 'foreign');
  await symlink('/etc/hostname', join(directory, 'cc', `${hex}.mp4`));
  await symlink('/etc', join(directory, 'dd'));
  await writeFile(join(directory, 'ee'), 'foreign');
  const keys: string[] = [];
  for await (const file of store.list()) keys.push(file.key);
  expect(keys).toEqual([key]);
});

it('restores a file of an interrupted removal', async () => {
  const store = await openArtifactFolder({ directory });
  const artifact = await store.put(Buffer.from('wanted'), { contentType: 'video/mp4' });
  await age(artifact.key);
  const aside = `${'0'.repeat(8)}-0000-4000-8000-${'0'.repeat(12)}.${artifact.key.replace('/', '.')}.aside`;
  await rename(join(directory, artifact.key), join(directory, 'tmp', aside));
  expect(await store.stat(artifact)).toBeUndefined();
  expect(await store.sweepTemporary(60_000)).toBe(0);
  expect(await store.stat(artifact)).toEqual({ bytes: 6 });
  expect(await readdir(join(directory, 'tmp'))).toEqual([]);
  // Its age is reset, so that a concurrent user has time to renew it.
  expect(await store.removeOld(artifact, Date.now() - 60_000)).toBe(false);
});

it('leaves no file when the source fails, and throws its error', async () => {
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

it('sweeps old temporary files', async () => {
  const store = await openArtifactFolder({ directory });
  await writeFile(join(directory, 'tmp', 'x.part'), 'half');
  expect(await store.sweepTemporary(60_000)).toBe(0);
  expect(await store.sweepTemporary(-1)).toBe(1);
  expect(await readdir(join(directory, 'tmp'))).toEqual([]);
});
