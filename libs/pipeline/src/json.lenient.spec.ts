import { describe, expect, it } from '@jest/globals';
import { findJson } from './json.lenient.js';

describe('JSON in a text', () => {
  it.each([
    ['line breaks', '\n'],
    ['line breaks of Windows', '\r\n'],
    ['spaces', ' '],
    ['lines of spaces', '\n  '],
  ])(
    'is read behind 200,000 %s',
    (_name, blank) => {
      const gap = blank.repeat(200_000);
      // A quotation mark in a text: what follows it decides whether it closes the text.
      expect(findJson(`{"a": "x"${gap}y", "b": 1}`).values).toEqual([{ a: `x"${gap}y`, b: 1 }]);
      expect(findJson(`{"a": "x"${gap}\n"b": 1${gap},}`).values).toEqual([{ a: 'x', b: 1 }]);
      expect(findJson(`{"a": "x"${gap}`)).toEqual({ values: [], unclosed: true });
    },
    120_000,
  );
});
