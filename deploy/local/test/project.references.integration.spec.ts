import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
// eslint-disable-next-line @nx/enforce-module-boundaries -- plain Node that writes the file, so not a package
import { rootProject } from '../project.references.mjs';

const ROOT = join(import.meta.dirname, '..', '..', '..');

describe('tsconfig.json', () => {
  it('references every project, as docs:generate writes it', () => {
    expect(rootProject(ROOT)).toBe(readFileSync(join(ROOT, 'tsconfig.json'), 'utf8'));
  });
});
