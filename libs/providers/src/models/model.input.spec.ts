import { describe, expect, it } from '@jest/globals';
import { type ClipRequest } from '../clip.request.js';
import { type ModelEntry, modelEntrySchema, targetOf } from './model.entry.js';
import { isInputOf, modelInput } from './model.input.js';

const entry = (change: object = {}): ModelEntry =>
  modelEntrySchema.parse({
    id: 'a/b',
    provider: 'replicate',
    durations: [4, 6, 8],
    audio: 'none',
    firstFrame: false,
    skus: [{ id: 'second', usdPerSecond: 0.05 }],
    asOf: '2026-01-01',
    source: 'https://example.test',
    inputs: { duration: { field: 'duration' } },
    ...change,
  });
const request: ClipRequest = {
  model: 'a/b',
  prompt: 'a cup',
  durationSeconds: 6,
  aspectRatio: '9:16',
  seed: 7,
  attemptKey: 'k',
};
const duration = { field: 'duration' };

describe('the input of a model', () => {
  it.each<[string, object, Partial<ClipRequest>, object]>([
    ['prompt and length', {}, {}, { prompt: 'a cup', duration: 6 }],
    [
      'digits as a length',
      { inputs: { duration: { ...duration, as: 'string' } } },
      {},
      { prompt: 'a cup', duration: '6' },
    ],
    [
      'a length with its unit',
      { inputs: { duration: { ...duration, as: 'seconds' } } },
      {},
      { prompt: 'a cup', duration: '6s' },
    ],
    ['no length of a model with one length', { durations: [6], inputs: {} }, {}, { prompt: 'a cup' }],
    ['a prompt under another name', { inputs: { prompt: 'text', duration } }, {}, { text: 'a cup', duration: 6 }],
    [
      'fixed inputs',
      { inputs: { duration, fixed: { mode: 'pro' } } },
      {},
      { prompt: 'a cup', duration: 6, mode: 'pro' },
    ],
    [
      'an aspect ratio that it offers',
      { aspectRatios: ['9:16'], inputs: { duration, aspectRatio: { field: 'ratio' } } },
      {},
      { prompt: 'a cup', duration: 6, ratio: '9:16' },
    ],
    [
      'the word of the model for an aspect ratio',
      { aspectRatios: ['9:16'], inputs: { duration, aspectRatio: { field: 'ratio', values: { '9:16': 'portrait' } } } },
      {},
      { prompt: 'a cup', duration: 6, ratio: 'portrait' },
    ],
    [
      'no aspect ratio that it does not offer',
      { aspectRatios: ['16:9'], inputs: { duration, aspectRatio: { field: 'ratio' } } },
      {},
      { prompt: 'a cup', duration: 6 },
    ],
    [
      'the resolution of the video',
      {
        resolutions: [
          { name: '480p', pixels: 480 },
          { name: '1080p', pixels: 1080 },
        ],
        inputs: { duration, resolution: 'size' },
      },
      {},
      { prompt: 'a cup', duration: 6, size: '1080p' },
    ],
    [
      'sound',
      { audio: 'optional', inputs: { duration, audio: 'sound' } },
      {},
      { prompt: 'a cup', duration: 6, sound: true },
    ],
    [
      'silence',
      { audio: 'optional', inputs: { duration, audio: 'sound' } },
      { clipSound: false },
      { prompt: 'a cup', duration: 6, sound: false },
    ],
    [
      'a seed',
      { seed: true, inputs: { duration, seed: { field: 'seed' } } },
      {},
      { prompt: 'a cup', duration: 6, seed: 7 },
    ],
    [
      'a seed within its limit',
      { seed: true, inputs: { duration, seed: { field: 'seed', max: 9999 } } },
      { seed: 10_007 },
      { prompt: 'a cup', duration: 6, seed: 7 },
    ],
  ])('has %s', (_name, change, wanted, input) => {
    expect(modelInput(entry(change), { ...request, ...wanted })).toEqual(input);
  });

  it.each([
    [{ field: 'start_image' }, 'https://x.test/a.png'],
    [{ field: 'images', list: true }, ['https://x.test/a.png']],
  ])('has the first frame as %j', (firstFrame, value) => {
    const model = entry({ firstFrame: true, inputs: { duration, firstFrame } });
    expect(modelInput(model, request, 'https://x.test/a.png')).toHaveProperty(firstFrame.field, value);
    expect(modelInput(model, request)).not.toHaveProperty(firstFrame.field);
  });

  it('has no aspect ratio with a first frame, when the model for images does not take it', () => {
    const ratio = { field: 'ratio', withImage: false };
    const firstFrame = { field: 'image_url' };
    const model = entry({
      firstFrame: true,
      aspectRatios: ['9:16'],
      inputs: { duration, firstFrame, aspectRatio: ratio },
    });
    expect(modelInput(model, request)).toHaveProperty('ratio', '9:16');
    expect(modelInput(model, request, 'https://x.test/a.png')).not.toHaveProperty('ratio');
  });

  it('is recognized at the provider, with any URL of its image', () => {
    const model = entry({ firstFrame: true, inputs: { duration, firstFrame: { field: 'image' } } });
    const referenceImage = {
      key: `ab/${'a'.repeat(64)}.png`,
      sha256: 'a'.repeat(64),
      bytes: 1,
      contentType: 'image/png',
    };
    const sent = modelInput(model, request);
    expect(isInputOf(model, sent, request)).toBe(true);
    expect(isInputOf(model, { ...sent, image: 'https://x.test/1' }, request)).toBe(false);
    expect(isInputOf(model, { ...sent, image: 'https://x.test/1' }, { ...request, referenceImage })).toBe(true);
    expect(isInputOf(model, { ...sent, duration: 8 }, request)).toBe(false);
  });
});

describe('an entry', () => {
  it.each<[string, object, RegExp]>([
    ['a choice without an input', { audio: 'optional' }, /inputs.audio: missing, although the model offers the choice/],
    [
      'an input without the choice',
      { inputs: { duration, seed: { field: 'seed' } } },
      /inputs.seed: not a choice of the model/,
    ],
    [
      'several lengths without an input',
      { inputs: {} },
      /inputs.duration: missing, although the model offers several lengths/,
    ],
    ['an image without an input', { firstFrame: true }, /inputs.firstFrame: missing/],
    [
      'a price for no clip',
      { skus: [{ id: 'x', when: { seconds: 5 }, usdPerClip: 1 }] },
      /a clip of 4 s without sound has 0 prices/,
    ],
  ])('is refused with %s', (_name, change, problem) => {
    expect(() => entry(change)).toThrow(problem);
  });

  it('names the model of the provider, which may differ with an image', () => {
    expect(targetOf(entry(), true)).toBe('a/b');
    expect(targetOf(entry({ target: 'c/d:1' }), true)).toBe('c/d:1');
    expect(targetOf(entry({ target: 'c/text', imageTarget: 'c/image' }), true)).toBe('c/image');
    expect(targetOf(entry({ target: 'c/text', imageTarget: 'c/image' }), false)).toBe('c/text');
  });
});
