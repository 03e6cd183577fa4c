import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { makeFolder } from './make.folder.js';

describe('makeFolder', () => {
  let root: string;
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'clipmesh-make-'));
  });
  afterAll(() => {
    rmSync(root, { recursive: true, force: true });
  });

  it('creates a folder with its parents, and accepts an existing one', () => {
    makeFolder(join(root, 'a/b/c'));
    makeFolder(join(root, 'a/b/c'));
    expect(existsSync(join(root, 'a/b/c'))).toBe(true);
  });

  it.each([
    ['below a file', 'file/below', 'ENOTDIR'],
    ['where a file is', 'file', 'ENOTDIR'],
  ])('refuses %s', (_where, path, code) => {
    writeFileSync(join(root, 'file'), '');
    expect(() => {
      makeFolder(join(root, path));
    }).toThrow(expect.objectContaining({ code }));
  });

  (existsSync('/proc/self') ? it : it.skip)('is refused by a file system that takes none', () => {
    expect(() => {
      makeFolder('/proc/clipmesh/run');
    }).toThrow(expect.objectContaining({ code: 'ENOENT' }));
  });
});
