import { describe, expect, it } from '@jest/globals';
import { type ModelEntry, modelEntrySchema, type ReadSchemas } from '@clipmesh/providers';
import { checkModels, problemOf, type SchemaReader } from './models.check.js';
import { checkText, modelsText } from './models.text.js';

const model = (change: object = {}): ModelEntry =>
  modelEntrySchema.parse({
    id: 'acme/motion',
    provider: 'replicate',
    durations: [4, 8],
    audio: 'none',
    firstFrame: false,
    skus: [{ id: 'second', usdPerSecond: 0.05 }],
    asOf: '2026-01-02',
    source: 'https://example.test',
    inputs: { duration: { field: 'duration' } },
    ...change,
  });
/** Reads with `read` from Replicate, and from no other provider. */
const readerOf =
  (read: ReadSchemas): SchemaReader =>
  ({ provider }) =>
    provider === 'replicate' ? read : { reason: 'COG_ENDPOINTS names no server of it' };
const SCHEMAS = {
  Input: { required: ['prompt'], properties: { prompt: {}, duration: { type: 'integer', enum: [4, 8] } } },
};

describe('the list of models', () => {
  it('has lengths, sound, prices and their date', () => {
    const other = model({
      id: 'acme/reel-1',
      durations: { min: 3, max: 15 },
      audio: 'optional',
      skus: [
        { id: 'sound', when: { audio: true }, usdPerSecond: 0.000_4 },
        { id: 'silent', when: { audio: false }, usdPerClip: 1 },
      ],
      inputs: { duration: { field: 'duration' }, audio: 'sound' },
    });
    expect(modelsText([model(), other])).toBe(
      [
        'MODEL        PROVIDER   LENGTHS  SOUND     CHECKED     PRICES',
        'acme/motion  replicate  4, 8 s   none      2026-01-02  $0.05/s',
        'acme/reel-1  replicate  3-15 s   optional  2026-01-02  sound $0.0004/s, silent $1/clip',
      ].join('\n'),
    );
  });
});

describe('the check of models', () => {
  it('names drift, unread and unchecked models, and counts all', async () => {
    const entries = [
      model({ id: 'acme/same' }),
      model({ id: 'acme/drift', durations: [4, 6] }),
      model({ id: 'acme/gone' }),
      model({ id: 'own/gpu', provider: 'cog' }),
    ];
    const read = (target: string): Promise<typeof SCHEMAS> =>
      target === 'acme/gone' ? Promise.reject(new Error('status 404')) : Promise.resolve(SCHEMAS);
    const checked = await checkModels(entries, readerOf(read));
    expect(checkText(checked)).toBe(
      [
        'acme/drift: duration: the model does not take 6 s',
        'acme/drift: duration: the model also takes 8 s',
        'acme/gone: could not be read: status 404',
        'own/gpu: not checked: COG_ENDPOINTS names no server of it',
        '4 models: 1 as in the table, 1 with drift, 1 unread, 1 not checked',
      ].join('\n'),
    );
    expect(problemOf(checked)).toBe('2 of 4 models differ from their providers, or could not be read.');
  });

  it('reads the models with and without a first frame, when they are two', async () => {
    const targets: string[] = [];
    const read = (target: string): Promise<typeof SCHEMAS> => {
      targets.push(target);
      return Promise.resolve(SCHEMAS);
    };
    await checkModels([model({ target: 'acme/text', imageTarget: 'acme/image' })], readerOf(read));
    expect(targets).toEqual(['acme/text', 'acme/image']);
  });

  it('compares each of the two with what is sent to it', async () => {
    const entry = model({
      ...{ target: 'acme/text', imageTarget: 'acme/image', firstFrame: true, aspectRatios: ['9:16'] },
      inputs: {
        duration: { field: 'duration' },
        firstFrame: { field: 'image_url' },
        aspectRatio: { field: 'aspect_ratio', withImage: false },
      },
    });
    const { prompt, duration } = SCHEMAS.Input.properties;
    const text = { prompt, duration, aspect_ratio: { enum: ['9:16', '16:9'] } };
    const image = { prompt, duration, image_url: {} };
    const read = (target: string) =>
      Promise.resolve({ Input: { required: ['prompt'], properties: target === 'acme/text' ? text : image } });
    expect(await checkModels([entry], readerOf(read))).toEqual([
      { id: 'acme/motion', kind: 'drift', drift: ['aspect_ratio: the model also takes 16:9'] },
    ]);
  });

  it('passes only when a model was compared', async () => {
    const unchecked = await checkModels(
      [model({ provider: 'cog' })],
      readerOf(() => Promise.resolve(SCHEMAS)),
    );
    expect(problemOf(unchecked)).toBe('No model was compared with its provider.');
    const compared = await checkModels(
      [model(), model({ id: 'own/gpu', provider: 'cog' })],
      readerOf(() => Promise.resolve(SCHEMAS)),
    );
    expect(problemOf(compared)).toBeUndefined();
  });
});
