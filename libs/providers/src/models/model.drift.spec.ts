import { describe, expect, it } from '@jest/globals';
import { driftOf, modelSchemas } from './model.drift.js';
import { modelEntrySchema } from './model.entry.js';

const entry = modelEntrySchema.parse({
  id: 'a/b',
  provider: 'replicate',
  durations: [4, 8],
  aspectRatios: ['9:16', '16:9'],
  resolutions: [
    { name: '720p', pixels: 720 },
    { name: '1080p', pixels: 1080 },
  ],
  audio: 'optional',
  firstFrame: true,
  seed: true,
  skus: [
    { id: 'sound', when: { audio: true }, usdPerSecond: 0.4 },
    { id: 'silent', when: { audio: false }, usdPerSecond: 0.2 },
  ],
  asOf: '2026-01-01',
  source: 'https://example.test',
  inputs: {
    firstFrame: { field: 'image' },
    duration: { field: 'duration' },
    aspectRatio: { field: 'aspect_ratio' },
    resolution: 'resolution',
    audio: 'generate_audio',
    seed: { field: 'seed' },
  },
});
const properties = {
  prompt: { type: 'string' },
  image: { type: 'string', format: 'uri' },
  duration: { allOf: [{ $ref: '#/components/schemas/duration' }], default: 8 },
  aspect_ratio: { enum: ['16:9', '9:16', '21:9'] },
  resolution: { enum: ['720p', '1080p'] },
  generate_audio: { type: 'boolean', default: true },
  seed: { type: 'integer' },
};
const schemas = (
  change: object = {},
  required: string[] = ['prompt'],
  duration: object = { type: 'integer', enum: [4, 8] },
) => ({
  Input: { type: 'object', required, properties: { ...properties, ...change } },
  duration,
});

describe('the drift of a model', () => {
  it('is nothing when its inputs are as in the table', () => {
    expect(driftOf(entry, modelSchemas.parse(schemas()))).toEqual([]);
  });

  it('leaves out what the table omits, while the model takes it', () => {
    const omitting = { ...entry, omitted: { resolution: ['480p'], duration: ['6'] } };
    const live = schemas({ resolution: { enum: ['480p', '720p', '1080p'] } }, [], { type: 'integer', enum: [4, 6, 8] });
    expect(driftOf(omitting, modelSchemas.parse(live))).toEqual([]);
    expect(driftOf(omitting, modelSchemas.parse(schemas()))).toEqual(['resolution: the model does not take 480p']);
  });

  it.each<[string, object, string[]]>([
    [
      'an input that is gone',
      schemas({ seed: undefined, seed_value: { type: 'integer' } }),
      ['seed: the model has no such input'],
    ],
    [
      'an input that is required',
      schemas({ style: {} }, ['prompt', 'style']),
      ['style: the model requires it, and the table does not send it'],
    ],
    ['a required input with a default', schemas({ style: { default: 'x' } }, ['prompt', 'style']), []],
    [
      'other lengths',
      schemas({}, [], { type: 'integer', enum: [4, 6] }),
      ['duration: the model does not take 8 s', 'duration: the model also takes 6 s'],
    ],
    ['lengths as text', schemas({}, [], { type: 'string', enum: ['4', '8'] }), ['duration: the model takes text']],
    [
      'a range that is too short',
      schemas({}, [], { type: 'integer', minimum: 1, maximum: 6 }),
      ['duration: the model takes 1 to 6 s, not 8 s'],
    ],
    [
      'a longer range',
      schemas({}, [], { type: 'integer', minimum: 1, maximum: 15 }),
      ['duration: the model also takes up to 15 s'],
    ],
    [
      'another ratio',
      schemas({ aspect_ratio: { enum: ['16:9', '9:16', '1:1', '21:9'] } }),
      ['aspect_ratio: the model also takes 1:1'],
    ],
    [
      'a resolution that is gone',
      schemas({ resolution: { enum: ['1080p'] } }),
      ['resolution: the model does not take 720p'],
    ],
    [
      'sound as text',
      schemas({ generate_audio: { type: 'string' } }),
      ['generate_audio: the model takes string, not boolean'],
    ],
    [
      'a smaller seed',
      schemas({ seed: { type: 'integer', maximum: 9999 } }),
      ['seed: the model takes at most 9999, and the table sends up to 2147483647'],
    ],
  ])('is %s', (_name, live, drift) => {
    expect(driftOf(entry, modelSchemas.parse(JSON.parse(JSON.stringify(live))))).toEqual(drift);
  });
});
