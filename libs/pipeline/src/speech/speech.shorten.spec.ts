import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { countWords } from './speech.fit.js';
import { spreadScript, withoutWords } from './speech.shorten.js';

describe('a shorter script', () => {
  it.each([
    ['Meet Glim. It charges by sunlight, so you never search for a plug.', 4, 'Meet Glim. It charges by sunlight.'],
    ['Wake up to fresh coffee every single morning of the year', 3, 'Wake up to fresh coffee every single morning.'],
    ['It costs 3.5 dollars today only here', 3, 'It costs 3.5 dollars.'],
    ['One two', 2, undefined],
    ['One', 5, undefined],
  ])('of %j without %i words is %j', (text, cut, expected) => {
    expect(withoutWords(text, cut)).toBe(expected);
  });
  it('loses at least so many words, in any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 120 }), fc.integer({ min: 1, max: 20 }), (text, cut) => {
        const shorter = withoutWords(text, cut);
        if (shorter !== undefined) expect(countWords(shorter)).toBeLessThanOrEqual(countWords(text) - cut);
      }),
    );
  });
});

describe('a script of the whole video', () => {
  it('is spread over the scenes by their durations', () => {
    const script = 'Your morning is slow. Glim wakes you with light. Order it today.';
    expect(spreadScript(script, [4, 4, 4])).toEqual([
      'Your morning is slow.',
      'Glim wakes you with light.',
      'Order it today.',
    ]);
    expect(spreadScript('One two three four', [3, 3])).toEqual(['One two', 'three four']);
  });
  it('keeps every character that is not a space, in order', () => {
    const durations = fc.array(fc.integer({ min: 3, max: 7 }), { minLength: 1, maxLength: 12 });
    const bare = (text: string): string => text.replace(/\s/gu, '');
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), durations, (script, seconds) => {
        const texts = spreadScript(script, seconds);
        expect(texts).toHaveLength(seconds.length);
        expect(bare(texts.join(''))).toBe(bare(script));
      }),
    );
  });
});
