import { describe, expect, it } from '@jest/globals';
import { findJson } from './json.reader.js';

describe('findJson', () => {
  it.each([
    ['line breaks', '\n'],
    ['Windows line breaks', '\r\n'],
    ['spaces', ' '],
    ['lines of spaces', '\n  '],
  ])(
    'reads JSON around 200,000 %s',
    (_name, blank) => {
      const gap = blank.repeat(200_000);
      // What follows a quotation mark decides whether it closes the string.
      expect(findJson(`{"a": "x"${gap}y", "b": 1}`).values).toEqual([{ a: `x"${gap}y`, b: 1 }]);
      expect(findJson(`{"a": "x"${gap}\n"b": 1${gap},}`).values).toEqual([{ a: 'x', b: 1 }]);
      expect(findJson(`{"a": "x"${gap}`)).toEqual({ values: [], unclosed: true });
    },
    120_000,
  );
});
