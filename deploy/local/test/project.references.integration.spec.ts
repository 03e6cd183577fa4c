import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { rootProject } from '../project.references.mjs';

const ROOT = join(import.meta.dirname, '..', '..', '..');

describe('tsconfig.json', () => {
  it('references every project, as docs:generate writes it', () => {
    expect(rootProject(ROOT)).toBe(readFileSync(join(ROOT, 'tsconfig.json'), 'utf8'));
  });
});
