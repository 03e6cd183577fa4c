import { SAMPLE_MODELS } from '@clipmesh/testing';
import { type CreateGeneration, createGenerationSchema } from '@clipmesh/contracts';
import { describe, expect, it } from '@jest/globals';
import { SchemaPipe } from '../http/schema.pipe.js';
import { buildJob, refuseUnknownModels } from './job.builder.js';

const defaults = {
  models: ['google/veo-3.1', 'google/veo-3'],
  table: SAMPLE_MODELS,
  parallelEnabled: true,
  maxWorkers: 4,
  fallbackAfter: 3,
  speechPrice: { per: 'character', micros: 15_000_000 } as const,
};
const prompt = 'A kettle that sings.';
const parse = (body: unknown): CreateGeneration =>
  new SchemaPipe().transform(body, { type: 'body', schema: createGenerationSchema }) as CreateGeneration;

describe('a request', () => {
  it('gets every default', () => {
    expect(buildJob(parse({ prompt, seed: 5 }), defaults)).toEqual({
      prompt,
      durationSeconds: 15,
      aspectRatio: '9:16',
      seed: 5,
      overlays: true,
      models: defaults.models,
      window: 4,
      fallbackAfter: 3,
    });
  });

  it.each([
    [{ enabled: false }, true, 1],
    [{ enabled: true, maxWorkers: 3 }, true, 3],
    [undefined, false, 1],
    [{ enabled: true, maxWorkers: 3 }, false, 1],
  ])('with parallel %j and the setting %s has a window of %i', (parallel, parallelEnabled, window) => {
    const request = parse(parallel === undefined ? { prompt } : { prompt, parallel });
    expect(buildJob(request, { ...defaults, parallelEnabled }).window).toBe(window);
  });

  it('puts its model first and keeps the others as fallbacks', () => {
    expect(buildJob(parse({ prompt, model: 'google/veo-3' }), defaults).models).toEqual([
      'google/veo-3',
      'google/veo-3.1',
    ]);
  });

  it.each(['acme/none', 'constructor', '__proto__'])('rejects the unknown model %s, also in the settings', (model) => {
    expect(() => buildJob(parse({ prompt, model }), defaults)).toThrow(`model: unknown model ${model}`);
    expect(() => {
      refuseUnknownModels([...defaults.models, model], SAMPLE_MODELS);
    }).toThrow(/^VIDEO_MODELS contains an unknown model; the known models are google\/veo-3\.1, /);
    expect(() => {
      refuseUnknownModels(defaults.models, SAMPLE_MODELS);
    }).not.toThrow();
  });

  it.each([
    [{}, 'prompt: the prompt is missing'],
    [{ prompt: 12 }, 'prompt: the prompt is missing or not a string'],
    [{ prompt: '' }, 'the prompt needs at least 10 characters'],
    [{ prompt: 'x'.repeat(6000) }, 'the prompt may have at most 5000 characters'],
    [{ prompt: 'bell \u0007 in the prompt' }, 'control characters'],
    [{ prompt, durationSeconds: 61 }, 'durationSeconds:'],
    [{ prompt, sceneCount: 1 }, 'choose 3-5 scenes'],
    [{ prompt, promt: 'x' }, 'promt'],
    [{ prompt, referenceImage: {} }, 'referenceImage: give either data or url'],
    [{ prompt, referenceImage: { url: 'https://a.example/a.png', data: 'data:image/png;base64,AAAA' } }, 'either'],
    [{ prompt, referenceImage: { url: 'file:///etc/passwd' } }, 'https://'],
    [{ prompt, referenceImage: { data: 'data:image/gif;base64,AAAA' } }, 'data:image/png'],
    [{ prompt, music: { data: 'data:video/mp4;base64,AAAA' } }, 'data:audio/'],
    [{ prompt, music: { data: 'data:audio/mpeg;base64,AAAA', bed: 'warm' } }, 'music: give either bed or data'],
    [{ prompt, music: { bed: 'sad' } }, 'music.bed'],
  ])('rejects %j', (body, words) => {
    expect(() => parse(body)).toThrow(words);
  });

  it.each([
    'data:audio/mpeg;base64,AAAA',
    'data:audio/mp4;codecs="mp4a.40.2";base64,AAAA',
    'data:audio/ogg;codecs=opus;base64,AAAA',
    'data:Audio/X-WAV;charset=binary;name=bed.wav;base64,AAAA',
  ])('accepts music in %s', (data) => {
    expect(parse({ prompt, music: { data } }).music?.data).toBe(data);
  });

  it.each([
    [undefined, undefined],
    [null, { bed: 'none', volume: 0 }],
    [{ bed: 'none' }, { bed: 'none', volume: 0.3 }],
    [{ bed: 'calm' }, { bed: 'calm', volume: 0.3 }],
    [{ volume: 0.1 }, { volume: 0.1 }],
    [{ data: 'data:audio/mpeg;base64,AAAA' }, undefined],
  ])('with the music %j has the music %j before an upload is stored', (music, expected) => {
    expect(buildJob(parse(music === undefined ? { prompt } : { prompt, music }), defaults).music).toEqual(expected);
  });

  it('speaks only when it is asked to, at the highest price of a scene', () => {
    expect(buildJob(parse({ prompt }), defaults).voiceover).toBeUndefined();
    const spoken = buildJob(parse({ prompt, voiceover: { voice: 'nova', speed: 1.1 } }), defaults).voiceover;
    expect(spoken).toEqual({ voice: 'nova', speed: 1.1, sceneMaxMicros: 18_000 });
    const of = (speechPrice: 'free' | undefined) =>
      buildJob(parse({ prompt, voiceover: {} }), { ...defaults, speechPrice }).voiceover;
    expect([of('free'), of(undefined)]).toEqual([{ sceneMaxMicros: 0 }, {}]);
    expect(() => parse({ prompt, voiceover: { script: '…' } })).toThrow('voiceover.script: there is nothing to speak');
  });

  it.each(['data:image/png;base64,AAAA', 'data:image/jpeg;name=a.jpg;base64,AAAA', 'data:IMAGE/JPG;base64,AAAA'])(
    'accepts an image in %s',
    (data) => {
      expect(parse({ prompt, referenceImage: { data } }).referenceImage?.data).toBe(data);
    },
  );
});
