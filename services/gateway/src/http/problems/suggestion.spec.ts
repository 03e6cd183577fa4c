import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { closest, editDistance } from './suggestion.js';

const FIELDS = ['prompt', 'durationSeconds', 'aspectRatio', 'sceneCount', 'model', 'maxCostUsd', 'mode', 'webhookUrl'];

describe('a suggestion', () => {
  it.each([
    ['promt', 'prompt'],
    ['Prompt', 'prompt'],
    ['duration', 'durationSeconds'],
    ['duration_seconds', 'durationSeconds'],
    ['durationSecond', 'durationSeconds'],
    ['aspect', 'aspectRatio'],
    ['apsectRatio', 'aspectRatio'],
    ['webhook_url', 'webhookUrl'],
    ['moed', 'mode'],
    ['maxCostUSD', 'maxCostUsd'],
    ['voice', undefined],
    ['xyz', undefined],
    ['', undefined],
    ['__proto__', undefined],
    ['m', undefined],
    ['x'.repeat(100_000), undefined],
  ])('for %.20s is %s', (word, meant) => {
    expect(closest(word, FIELDS)).toBe(meant);
  });

  it('uses a distance that is symmetric, zero only for the same word, and one for one edit', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (a, b) => {
        expect(editDistance(a, b)).toBe(editDistance(b, a));
        expect(editDistance(a, b) === 0).toBe(a === b);
        expect(editDistance(a, `${a}x`)).toBe(1);
        expect(editDistance(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length));
      }),
    );
    expect(editDistance('ab', 'ba')).toBe(1);
  });
});
