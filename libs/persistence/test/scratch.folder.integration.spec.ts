import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openScratch } from '../src/index.js';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'clipmesh-scratch-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describe('scratch folders', () => {
  it('creates a separate folder per call and removes it, also after an error', async () => {
    const scratch = await openScratch(directory, 'overlay.1');
    const seen = await Promise.all([1, 2].map(() => scratch.withFolder((path) => Promise.resolve(path))));
    expect(new Set(seen).size).toBe(2);
    await expect(
      scratch.withFolder(async (path) => {
        await writeFile(join(path, 'half.mov'), 'x');
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    expect(await readdir(join(directory, 'clipmesh-overlay-1'))).toEqual([]);
  });

  it('removes folders of a killed replica with the same id and old ones, but none of running replicas', async () => {
    await mkdir(join(directory, 'clipmesh-overlay-1', 'work-dead'), { recursive: true });
    await mkdir(join(directory, 'clipmesh-overlay-2', 'work-alive'), { recursive: true });
    await mkdir(join(directory, 'clipmesh-overlay-77'), { recursive: true });
    await utimes(join(directory, 'clipmesh-overlay-77'), 1, 1);
    await openScratch(directory, 'overlay.1');
    expect((await readdir(directory)).sort()).toEqual(['clipmesh-overlay-1', 'clipmesh-overlay-2']);
    expect(await readdir(join(directory, 'clipmesh-overlay-1'))).toEqual([]);
    expect(await readdir(join(directory, 'clipmesh-overlay-2'))).toEqual(['work-alive']);
  });

  it('keeps foreign folders in the same directory', async () => {
    await mkdir(join(directory, 'letters'));
    await utimes(join(directory, 'letters'), 1, 1);
    await openScratch(directory, 'overlay.1');
    expect(await readdir(directory)).toContain('letters');
  });

  it('stays inside the directory for any id', async () => {
    await (await openScratch(directory, '../../x')).withFolder(() => Promise.resolve());
    expect(await readdir(directory)).toContain('clipmesh---%2F--%2Fx');
  });
});
