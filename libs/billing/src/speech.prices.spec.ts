import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { spokenSeconds } from '@clipmesh/contracts';
import { maxSpeechMicros, speechMicros, speechPrice, type SpeechPrice } from './speech.prices.js';

const text = 'hello 🎉';
const seconds = 2.5;

describe('the price of speech', () => {
  it.each<[string, SpeechPrice, number]>([
    ['a character', { per: 'character', micros: 15_000_000 }, 105],
    ['a character, rounded up', { per: 'character', micros: 1 }, 1],
    ['a minute', { per: 'minute', micros: 15_000 }, 625],
    ['nothing', { per: 'minute', micros: 0 }, 0],
    // 10 bytes and 53 audio tokens.
    ['a token', { per: 'token', inputMicros: 600_000, outputMicros: 12_000_000 }, 642],
  ])('is per %s', (_unit, price, micros) => {
    expect(speechMicros(price, { text, seconds })).toBe(micros);
  });

  it('counts the tokens that the provider reports', () => {
    const price: SpeechPrice = { per: 'token', inputMicros: 600_000, outputMicros: 12_000_000 };
    expect(speechMicros(price, { text, seconds, tokens: { input: 4, output: 50 } })).toBe(603);
  });

  it.each([
    ['tts-1', 'character'],
    ['tts-1-hd', 'character'],
    ['gpt-4o-mini-tts', 'token'],
    ['gpt-4o-mini-tts-2025-12-15', 'token'],
    ['kokoro', undefined],
  ])('of %s is per %s in the table', (model, per) => {
    expect(speechPrice(model)?.per).toBe(per);
  });

  it('has a maximum that no plausible speech exceeds', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('tts-1', 'gpt-4o-mini-tts'),
        fc.string({ unit: 'grapheme', minLength: 1 }),
        fc.double({ min: 0.25, max: 4, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (model, spoken, speed, share) => {
          const price = speechPrice(model)!;
          const { least, most } = spokenSeconds(spoken, speed);
          const cost = speechMicros(price, { text: spoken, seconds: least + share * (most - least) });
          expect(cost).toBeLessThanOrEqual(maxSpeechMicros(price, spoken, speed));
        },
      ),
    );
  });
});
