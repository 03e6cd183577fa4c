import { describe, expect, it } from '@jest/globals';
import { inputProblem, unknownField } from './input.check.js';
import { clipMicros, firstFrameOf, modelRecordSchema, secondsOf, versionOf } from './model.record.js';
import { ModelStore, readRecords } from './model.store.js';

const model = modelRecordSchema.parse({
  id: 'acme/motion',
  source: 'invented',
  asOf: '2026-01-01',
  Input: {
    type: 'object',
    required: ['prompt'],
    properties: {
      prompt: { type: 'string' },
      duration: { type: 'integer', enum: [4, 8], default: 8 },
      start_image: { type: 'string', format: 'uri' },
      generate_audio: { type: 'boolean', default: true },
    },
  },
  prices: [
    { when: { generate_audio: false }, usdPerSecond: 0.2 },
    { when: { generate_audio: true }, usdPerSecond: 0.4 },
  ],
});
const prompt = 'a cup';

describe('a recorded model', () => {
  it.each<[object, string | undefined]>([
    [{ prompt }, undefined],
    [{ prompt, duration: 4, generate_audio: false }, undefined],
    [{ prompt, duration: 5 }, '- input.duration: duration must be one of the following: 4, 8'],
    [{ duration: 8 }, "- input: must have required property 'prompt'"],
    [
      { prompt, duration: '8' },
      '- input.duration: must be integer\n- input.duration: duration must be one of the following: 4, 8',
    ],
    [{ prompt, colour: 'red' }, undefined],
  ])('checks the input %j', (input, problem) => {
    expect(inputProblem(model, input as Record<string, unknown>)).toBe(problem);
  });

  it('names a field that the model does not have', () => {
    expect(unknownField(model, { prompt, colour: 'red' })).toBe('colour');
    expect(unknownField(model, { prompt })).toBeUndefined();
  });

  it.each<[object, number, number]>([
    [{ prompt }, 8, 3_200_000],
    [{ prompt, duration: 4 }, 4, 1_600_000],
    [{ prompt, duration: 4, generate_audio: false }, 4, 800_000],
  ])('has the length and the price of %j', (input, seconds, micros) => {
    expect(secondsOf(model, input as Record<string, unknown>)).toBe(seconds);
    expect(clipMicros(model, input as Record<string, unknown>, seconds)).toBe(micros);
  });

  it.each([
    ['8', 8],
    ['6s', 6],
    [12, 12],
    ['auto', 5],
    [-1, 5],
  ])('reads the length %j', (duration, seconds) => {
    expect(secondsOf(model, { duration })).toBe(seconds);
  });

  it('has a first frame under one of the usual names', () => {
    expect(firstFrameOf(model)).toBe('start_image');
  });
});

describe('the models of the sandbox', () => {
  it('are recorded with a schema, a source and prices for inputs that they take', async () => {
    const records = await readRecords();
    expect(records.length).toBeGreaterThan(6);
    for (const record of records) {
      const required = Object.fromEntries(record.Input.required.map((name) => [name, 'https://example.test/a.png']));
      for (const { when } of record.prices) {
        const input = { ...required, ...when };
        expect([record.id, inputProblem(record, input)]).toEqual([record.id, undefined]);
        expect(clipMicros(record, input, secondsOf(record, input), 1)).toBeGreaterThan(0);
      }
    }
  });

  it('are found by id and by version, and those of the scenario win', () => {
    const cheap = { ...model, prices: [{ when: {}, usdPerSecond: 0.01 }] };
    let ofScenario: (typeof model)[] = [];
    const store = new ModelStore([model], () => ofScenario);
    expect(store.find('acme/motion')).toBe(model);
    expect(store.findVersion(versionOf(model))).toBe(model);
    expect(store.findVersion(`acme/motion:${versionOf(model)}`)).toBe(model);
    expect(store.findVersion('acme/motion:0')).toBeUndefined();
    expect(store.findVersion('nobody/nothing')).toBeUndefined();
    ofScenario = [cheap];
    expect(store.find('acme/motion')).toBe(cheap);
  });
});
