import { describe, expect, it } from '@jest/globals';
import { filterValue } from './command.args.js';

describe('a value in a filter graph', () => {
  it.each([
    ['plain.txt', 'plain.txt'],
    ['a:b', String.raw`a\\:b`],
    ["it's", String.raw`it\\\'s`],
    ['a,b;c[d]', String.raw`a\,b\;c\[d\]`],
    [String.raw`back\slash`, String.raw`back\\\\slash`],
  ])('escapes %s for the option and for the graph', (value, escaped) => {
    expect(filterValue(value)).toBe(escaped);
  });
});
