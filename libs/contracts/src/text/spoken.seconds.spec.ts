import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { countCharacters, isSpeakable, spokenSeconds } from './spoken.seconds.js';

describe('the length of a speech', () => {
  // Measured with espeak-ng 1.51.
  it.each<[string, number]>([
    ['Hello there.', 0.71],
    ['The kettle sings at five in the morning, and nobody minds.', 3.19],
    ['$1,999,999.99', 4.93],
    ['3D', 0.57],
    ['NASA, USB and HTTP', 1.97],
    ['50% off @ home & away', 2.23],
    ['今日は水曜日です', 5.59],
    ['你好，世界', 1.57],
    ['Здравствуйте', 0.79],
    ['केतली सुबह पाँच बजे गाती है।', 2.02],
    ['الغلاية تغني في الخامسة صباحا', 2.84],
  ])('of %j is within the bounds', (text, seconds) => {
    const { least, most } = spokenSeconds(text);
    expect([least <= seconds, seconds <= most]).toEqual([true, true]);
  });

  it('finds a speech that was cut off, or that never ends', () => {
    const text = 'A sentence of some thirty words that goes on until everyone has understood it. '.repeat(2);
    expect(spokenSeconds(text).least).toBeGreaterThan(3);
    expect(spokenSeconds('Hello.').most).toBeLessThan(5);
  });

  it('depends on the speed, but for the silence around it', () => {
    const [normal, fast] = [spokenSeconds('hello there'), spokenSeconds('hello there', 2)];
    expect(fast).toEqual({ least: normal.least / 2, most: 2 + (normal.most - 2) / 2 });
  });

  it('of any text has bounds in order, which grow with the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (one, other) => {
        const [first, both] = [spokenSeconds(one), spokenSeconds(`${one} ${other}`)];
        expect(first.least).toBeLessThanOrEqual(first.most);
        expect(both.least).toBeGreaterThanOrEqual(first.least);
        expect(both.most).toBeGreaterThanOrEqual(first.most);
      }),
    );
  });
});

describe('a text', () => {
  it.each([
    ['a', true],
    ['٣', true],
    ['字', true],
    ['…!? 🎉', false],
    ['', false],
  ])('%j can be spoken: %s', (text, speakable) => {
    expect(isSpeakable(text)).toBe(speakable);
  });

  it('is as long as it has Unicode characters', () => {
    expect(countCharacters('a🎉字')).toBe(3);
  });
});
