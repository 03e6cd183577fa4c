import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { clipMicros, type ClipNeeds, quoteClip, refusalOf } from './clip.quote.js';
import { kindsOf, lengthsOf, type ModelTerms, modelTermsShape, skuOf, termsProblems } from './model.terms.js';
import { z } from 'zod';

const schema = z.strictObject(modelTermsShape);
const base = {
  id: 'a/b',
  provider: 'replicate',
  durations: [4, 6, 8],
  audio: 'none',
  firstFrame: true,
  skus: [{ id: 'second', usdPerSecond: 0.05 }],
  asOf: '2026-01-01',
  source: 'https://example.test/prices',
};
const terms = (change: object = {}): ModelTerms => schema.parse({ ...base, ...change });
const needs = (change: Partial<ClipNeeds> = {}): ClipNeeds => ({
  seconds: 5,
  aspectRatio: '9:16',
  hasImage: false,
  sound: true,
  ...change,
});
const SOUND = [
  { id: 'sound', when: { audio: true }, usdPerSecond: 0.4 },
  { id: 'silent', when: { audio: false }, usdPerSecond: 0.2 },
];

describe('the terms of a model', () => {
  it.each<[string, object, RegExp]>([
    ['two prices in one SKU', { skus: [{ id: 'x', usdPerSecond: 1, usdPerClip: 1 }] }, /exactly one of/],
    ['no price', { skus: [{ id: 'x' }] }, /exactly one of/],
    ['computing time without bounds', { skus: [{ id: 'x', usdPerGpuSecond: 0.1 }] }, /gpuSeconds together/],
    ['lengths out of order', { durations: [8, 4] }, /ascending/],
    ['an empty range', { durations: { min: 9, max: 3 } }, /min not above max/],
    ['an unknown field', { colour: 'red' }, /Unrecognized key/],
    ['a negative price', { skus: [{ id: 'x', usdPerSecond: -1 }] }, /expected number to be/],
  ])('are refused: %s', (_name, change, problem) => {
    expect(() => terms(change)).toThrow(problem);
  });

  it.each<[string, object, string[]]>([
    ['complete terms', { audio: 'optional', skus: SOUND }, []],
    [
      'no price for silent clips',
      { audio: 'optional', durations: [5], skus: [SOUND[0]] },
      ['skus: a clip of 5 s without sound has 0 prices, expected one'],
    ],
    [
      'two prices for one clip',
      { durations: [5], skus: [...base.skus, { id: 'clip', usdPerClip: 0.3 }] },
      ['skus: a clip of 5 s without sound has 2 prices, expected one'],
    ],
    ['a price of nothing', { skus: [...base.skus, SOUND[0]] }, ['skus: sound prices no clip that the model offers']],
    [
      'one id twice',
      { audio: 'optional', skus: SOUND.map((sku) => ({ ...sku, id: 'x' })) },
      ['skus: expected different ids'],
    ],
  ])('have these problems: %s', (_name, change, problems) => {
    expect(termsProblems(terms(change))).toEqual(problems);
  });
});

describe('the quote of a clip', () => {
  const gpu = [{ id: 'gpu', usdPerGpuSecond: 0.001, gpuSeconds: { low: 2, high: 30 } }];
  it.each<[string, object, Partial<ClipNeeds>, object]>([
    ['the next longer length', {}, {}, { seconds: 6, lowMicros: 300_000, highMicros: 300_000 }],
    ['the exact length', {}, { seconds: 4 }, { seconds: 4, lowMicros: 200_000 }],
    ['every second of a range', { durations: { min: 3, max: 10 } }, {}, { seconds: 5, lowMicros: 250_000 }],
    ['the shortest of a range', { durations: { min: 5, max: 10 } }, { seconds: 3 }, { seconds: 5 }],
    ['sound when it is used', { audio: 'optional', skus: SOUND }, {}, { audio: true, lowMicros: 2_400_000 }],
    [
      'silence when it is not',
      { audio: 'optional', skus: SOUND },
      { sound: false },
      { audio: false, lowMicros: 1_200_000 },
    ],
    ['sound that cannot be switched off', { audio: 'always' }, { sound: false }, { audio: true }],
    ['a price per clip', { skus: [{ id: 'clip', usdPerClip: 0.5 }] }, {}, { lowMicros: 500_000, highMicros: 500_000 }],
    [
      'a price per length',
      { skus: [4, 6, 8].map((seconds) => ({ id: `${seconds}`, when: { seconds }, usdPerClip: seconds / 10 })) },
      {},
      { lowMicros: 600_000 },
    ],
    ['the bounds of computing time', { skus: gpu }, {}, { lowMicros: 12_000, highMicros: 180_000 }],
    [
      'the resolution of the video',
      { resolutions: [480, 720, 1080].map((pixels) => ({ name: `${pixels}p`, pixels })) },
      {},
      { resolution: '720p' },
    ],
    ['the best resolution below it', { resolutions: [{ name: '480p', pixels: 480 }] }, {}, { resolution: '480p' }],
    ['a length that an image allows', { firstFrame: { durations: [8] } }, { hasImage: true }, { seconds: 8 }],
  ])('has %s', (_name, change, need, quote) => {
    expect(quoteClip(terms(change), needs(need))).toMatchObject(quote);
  });

  it.each<[string, object, Partial<ClipNeeds>, RegExp]>([
    ['a scene that is too long', {}, { seconds: 9 }, /at most 8 s, and the scene has 9 s/],
    ['an image that it does not take', { firstFrame: false }, { hasImage: true }, /takes no reference image/],
    [
      'an image at another ratio',
      { firstFrame: { aspectRatios: ['16:9'] } },
      { hasImage: true },
      /only with the aspect ratio 16:9/,
    ],
    [
      'an image with too long a scene',
      { firstFrame: { durations: [4] } },
      { hasImage: true },
      /only with clips of 4 s/,
    ],
  ])('does not exist, with a reason, for %s', (_name, change, need, reason) => {
    expect(refusalOf(terms(change), needs(need))).toMatch(reason);
    expect(quoteClip(terms(change), needs(need))).toBeUndefined();
  });

  it('exists whenever there is no reason against it, and covers the scene', () => {
    const model = fc.record({
      durations: fc.oneof(
        fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { minLength: 1 }).map((all) => all.sort((a, b) => a - b)),
        fc.tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 6, max: 12 })).map(([min, max]) => ({ min, max })),
      ),
      audio: fc.constantFrom('none', 'optional', 'always'),
      firstFrame: fc.constantFrom<unknown>(true, false, { aspectRatios: ['16:9'] }, { durations: [8] }),
      resolutions: fc.constantFrom<unknown>([], [{ name: '480p', pixels: 480 }], [{ name: '1080p', pixels: 1080 }]),
    });
    const wanted = fc.record({
      seconds: fc.integer({ min: 3, max: 7 }),
      aspectRatio: fc.constantFrom('9:16' as const, '16:9' as const, '1:1' as const),
      hasImage: fc.boolean(),
      sound: fc.boolean(),
    });
    fc.assert(
      fc.property(model, wanted, (change, need) => {
        const one = terms(change);
        fc.pre(termsProblems(one).length === 0);
        const quote = quoteClip(one, need);
        expect(quote === undefined).toBe(refusalOf(one, need) !== undefined);
        if (quote === undefined) return;
        expect(lengthsOf(one)).toContain(quote.seconds);
        expect(quote.seconds).toBeGreaterThanOrEqual(need.seconds);
        expect(kindsOf(one)).toContainEqual({
          audio: quote.audio,
          resolution: quote.resolution,
          seconds: quote.seconds,
        });
        expect(skuOf(one, quote)).toBe(quote.sku);
        expect(quote.lowMicros).toBeLessThanOrEqual(quote.highMicros);
      }),
    );
  });
});

describe('the price of a clip', () => {
  const sku = (price: object) => terms({ skus: [{ id: 'x', ...price }] }).skus[0]!;
  it.each<[string, object, { seconds: number; gpuSeconds?: number }, number]>([
    ['per second, rounded up', { usdPerSecond: 0.000_003 }, { seconds: 1.5 }, 5],
    ['per clip', { usdPerClip: 0.5 }, { seconds: 8 }, 500_000],
    [
      'per measured computing time',
      { usdPerGpuSecond: 0.001, gpuSeconds: { low: 1, high: 9 } },
      { seconds: 5, gpuSeconds: 2.5 },
      2500,
    ],
    ['per most computing time', { usdPerGpuSecond: 0.001, gpuSeconds: { low: 1, high: 9 } }, { seconds: 5 }, 45_000],
  ])('is %s', (_name, price, billed, micros) => {
    expect(clipMicros(sku(price), billed)).toBe(micros);
  });
});
