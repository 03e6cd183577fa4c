import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { jsonErrorOf } from './json.error.js';

const parses = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

describe('the position of a JSON error', () => {
  it.each([
    ['{"prompt": ', 1, 12, 'the body ends where a value is expected'],
    ['', 1, 1, 'the body ends where a value is expected'],
    ['{"a": 1,}', 1, 9, '} where a field name in double quotes is expected'],
    ["{'a': 1}", 1, 2, "' where a field name in double quotes or } is expected"],
    ['{"a" 1}', 1, 6, '1 where ":" after the field name is expected'],
    ['{\n  "a": tru\n}', 2, 8, 't where a value is expected'],
    ['{"a": 01}', 1, 8, '1 where "," or } is expected'],
    ['[1 2]', 1, 4, '2 where "," or ] is expected'],
    ['[1}', 1, 3, '} where "," or ] is expected'],
    ['{"a": NaN}', 1, 7, 'N where a value is expected'],
    ['{"a": "x\ny"}', 1, 9, 'a line break or control character'],
    ['{"a": "\\x"}', 1, 8, 'an invalid escape sequence'],
    ['{"a": "x', 1, 9, 'a string without a closing quote'],
    ['{} {}', 1, 4, '{ where the end of the body is expected'],
    ['prompt=x', 1, 1, 'p where a value is expected'],
  ])('%j', (text, line, column, message) => {
    expect(jsonErrorOf(text)).toEqual({ line, column, message: expect.stringContaining(message) });
    expect(parses(text)).toBe(false);
  });

  it('exists exactly for the texts that JSON.parse rejects', () => {
    const broken = fc
      .tuple(
        fc.json(),
        fc.nat(),
        fc.constantFrom('', ',', '"', '}', ']', '{', '[', ':', '\\', '0', '.', 'e', '\u0000', '😀'),
      )
      .map(([text, seed, insert]) => {
        const at = seed % (text.length + 1);
        return text.slice(0, at) + insert + text.slice(at + (seed % 2));
      });
    fc.assert(
      fc.property(fc.oneof(fc.json(), broken, fc.string()), (text) => {
        expect(jsonErrorOf(text) === undefined).toBe(parses(text));
      }),
      { numRuns: 2000 },
    );
  });

  it('is found without recursion in a million brackets', () => {
    expect(jsonErrorOf('['.repeat(1_000_000))).toMatchObject({ line: 1, column: 1_000_001 });
  });
});
