import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from '@jest/globals';
import { unlessBuilt } from '../build.stamp.mjs';

const roots: string[] = [];
afterAll(() => {
  for (const root of roots) rmSync(root, { recursive: true, force: true });
});

describe('a build', () => {
  let root: string;
  let builds: number;
  /** Later than every time that the file system gives by itself. */
  let futureMs: number;
  const write = (path: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), '');
  };
  const touch = (path: string): void => {
    futureMs += 1000;
    utimesSync(join(root, path), futureMs / 1000, futureMs / 1000);
  };
  const built = async (during: () => void = () => undefined): Promise<number> => {
    builds = 0;
    await unlessBuilt(root, () => {
      builds += 1;
      during();
      write('libs/a/dist/.tsbuildinfo');
      return Promise.resolve();
    });
    return builds;
  };

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'clipmesh-build-'));
    roots.push(root);
    futureMs = Date.now() + 3_600_000;
    for (const path of ['libs/a/tsconfig.lib.json', 'libs/a/src/deep/one.ts', 'libs/a/src/deep/two.ts']) write(path);
    for (const folder of ['services', 'deploy']) mkdirSync(join(root, folder));
  });

  it('runs once while no source changes', async () => {
    expect(await built()).toBe(1);
    expect(await built()).toBe(0);
  });

  it.each(['libs/a/src/deep/one.ts', 'libs/a/src/deep', 'libs/a/tsconfig.lib.json'])(
    'runs again after a change of %s',
    async (path) => {
      await built();
      touch(path);
      expect(await built()).toBe(1);
      expect(await built()).toBe(0);
    },
  );

  it('runs again when a source changed during the last one', async () => {
    await built(() => {
      touch('libs/a/src/deep/one.ts');
    });
    expect(await built()).toBe(1);
  });

  it('runs again when a package lost what was compiled, and after a failure', async () => {
    await built();
    rmSync(join(root, 'libs/a/dist'), { recursive: true });
    await expect(unlessBuilt(root, () => Promise.reject(new Error('no disk')))).rejects.toThrow('no disk');
    expect(await built()).toBe(1);
  });
});
