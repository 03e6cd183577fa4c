import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { ATTR, ATTRIBUTES, attributesTable, CONVENTIONS } from './attributes.js';

describe('the attributes of spans', () => {
  it.each(['own', 'conventions'] as const)('%s: stand in docs/traces.md to the letter', (which) => {
    const page = readFileSync(new URL('../../../docs/traces.md', import.meta.url), 'utf8');
    expect(page).toContain(attributesTable(which));
  });
  it('have one name each, ours under a prefix of ours', () => {
    const own = Object.values(ATTR);
    const keys = [...own, ...CONVENTIONS.map(({ key }) => key)];
    expect(new Set(keys).size).toBe(keys.length);
    expect(own.filter((key) => !key.startsWith('clipmesh.'))).toEqual([]);
    expect(own).toHaveLength(Object.keys(ATTRIBUTES).length);
  });
});
