import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { ATTR, ATTRIBUTES, attributesTable, CONVENTIONS } from './attributes.js';

describe('span attributes', () => {
  it.each(['own', 'conventions'] as const)('%s: match docs/traces.md exactly', (which) => {
    const page = readFileSync(new URL('../../../docs/traces.md', import.meta.url), 'utf8');
    expect(page).toContain(attributesTable(which));
  });
  it('are unique, and our own have the prefix clipmesh.', () => {
    const own = Object.values(ATTR);
    const keys = [...own, ...CONVENTIONS.map(({ key }) => key)];
    expect(new Set(keys).size).toBe(keys.length);
    expect(own.filter((key) => !key.startsWith('clipmesh.'))).toEqual([]);
    expect(own).toHaveLength(Object.keys(ATTRIBUTES).length);
  });
});
