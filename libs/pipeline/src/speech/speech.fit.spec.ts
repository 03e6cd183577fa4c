import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { countWords, fitSpeech, MAX_TEMPO, type SpeechFit } from './speech.fit.js';

const text = 'one two three four five six seven eight nine ten';

describe('a speech', () => {
  it.each<[string, number, number, SpeechFit]>([
    ['shorter than its scene', 3, 4, { kind: 'fits' }],
    ['as long as its scene', 4, 4, { kind: 'fits' }],
    ['a little longer', 4.2, 4, { kind: 'faster', tempo: 1.05 }],
    ['longer by a fraction of a step', 4.000_1, 4, { kind: 'faster', tempo: 1.001 }],
    ['12 % longer', 4.48, 4, { kind: 'faster', tempo: MAX_TEMPO }],
    ['just over 12 % longer', 4.481, 4, { kind: 'too_long', cutWords: 1 }],
    ['half longer', 6, 4, { kind: 'too_long', cutWords: 3 }],
    ['three times as long', 12, 4, { kind: 'too_long', cutWords: 7 }],
    ['of a scene without time', 4, 0, { kind: 'too_long', cutWords: 10 }],
    ['of a scene with less than no time', 4, -1, { kind: 'too_long', cutWords: 10 }],
    ['without sound', 0, 0, { kind: 'fits' }],
  ])('%s', (_name, speechSeconds, sceneSeconds, fit) => {
    expect(fitSpeech({ text, speechSeconds, sceneSeconds })).toEqual(fit);
  });

  it('fits at its tempo, or without the words to cut, and loses no word without need', () => {
    const seconds = fc.double({ min: 0.1, max: 60, noNaN: true });
    fc.assert(
      fc.property(seconds, seconds, fc.integer({ min: 1, max: 60 }), (speechSeconds, sceneSeconds, count) => {
        const fit = fitSpeech({ text: 'word '.repeat(count), speechSeconds, sceneSeconds });
        const perWord = speechSeconds / count;
        if (fit.kind === 'fits') expect(speechSeconds).toBeLessThanOrEqual(sceneSeconds);
        else if (fit.kind === 'faster') {
          expect(fit.tempo).toBeGreaterThan(1);
          expect(speechSeconds / fit.tempo).toBeLessThanOrEqual(sceneSeconds);
        } else {
          const left = count - fit.cutWords;
          expect(left).toBeGreaterThanOrEqual(0);
          expect((left * perWord) / MAX_TEMPO).toBeLessThanOrEqual(sceneSeconds * 1.000_001);
          expect(((left + 1) * perWord) / MAX_TEMPO).toBeGreaterThan(sceneSeconds * 0.99);
        }
      }),
    );
  });
});

describe('the words of a text', () => {
  it.each([
    ['Tea, hot. (Always!)', 3],
    ["It's 5 o'clock", 3],
    ['今日は水曜日です', 4],
    ['…', 0],
  ])('%j: %i', (spoken, count) => {
    expect(countWords(spoken)).toBe(count);
  });
});
