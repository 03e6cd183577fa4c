import { describe, expect, it } from '@jest/globals';
import { createGenerationSchema, createWebhookSchema, planEditSchema, sceneEditSchema } from '@clipmesh/contracts';
import fc from 'fast-check';
import { checkValue } from './issue.text.js';

const prompt = 'A kettle that sings.';
const errorsOf = (value: unknown, schema: Parameters<typeof checkValue>[0] = createGenerationSchema) => {
  const checked = checkValue(schema, value);
  return checked.ok ? [] : checked.errors;
};
/** Words of the validator and of JavaScript that must not appear in a message. */
const RAW = /Invalid input|expected|received|Too (big|small)|Unrecognized|undefined|NaN|\[object/;

describe('a message for an invalid request', () => {
  it.each([
    [{}, 'prompt', 'the prompt is missing'],
    [{ prompt: 7 }, 'prompt', 'not a string'],
    [{ prompt, promt: 'x' }, 'body', 'unknown field promt; did you mean prompt?'],
    [{ prompt, duration: 12 }, 'body', 'unknown field duration; did you mean durationSeconds?'],
    [{ prompt, duration_seconds: 12 }, 'body', 'did you mean durationSeconds?'],
    [{ prompt, zzz: 1 }, 'body', 'unknown field zzz'],
    [{ prompt, durationSeconds: '12' }, 'durationSeconds', 'must be a whole number, not a string'],
    [{ prompt, durationSeconds: 9.5 }, 'durationSeconds', 'must be a whole number, not 9.5'],
    [{ prompt, durationSeconds: 1e300 }, 'durationSeconds', 'must be'],
    [{ prompt, durationSeconds: 8 }, 'durationSeconds', 'must be at least 9'],
    [{ prompt, durationSeconds: null }, 'durationSeconds', 'must be a whole number, not null'],
    [{ prompt, aspectRatio: '9x16' }, 'aspectRatio', 'must be one of 9:16, 16:9, 1:1; did you mean 9:16?'],
    [{ prompt, aspectRatio: ['9:16'] }, 'aspectRatio', 'must be one of 9:16, 16:9, 1:1'],
    [{ prompt, mode: 'reveiw' }, 'mode', 'must be one of auto, review, draft; did you mean review?'],
    [{ prompt, framework: 'aida' }, 'framework', 'did you mean AIDA?'],
    [{ prompt, overlays: 'yes' }, 'overlays', 'must be true or false, not a string'],
    [{ prompt, maxCostUsd: 0 }, 'maxCostUsd', 'must be more than 0'],
    [{ prompt, maxCostUsd: 2e6 }, 'maxCostUsd', 'must be at most 1000000'],
    [{ prompt, metadata: [] }, 'metadata', 'must be an object, not an array'],
    [{ prompt, metadata: { a: {} } }, 'metadata.a', 'must be a string, not an object'],
    [{ prompt, metadata: { ['k'.repeat(65)]: 'v' } }, `metadata.${'k'.repeat(63)}…`, 'at most 64 characters'],
    [{ prompt, parallel: { maxWorker: 2 } }, 'parallel', 'unknown field maxWorker; did you mean maxWorkers?'],
    [{ prompt, model: 'm'.repeat(101) }, 'model', 'must have at most 100 characters'],
    [[], 'body', 'must be an object, not an array'],
    ['x', 'body', 'must be an object, not a string'],
  ])('of %j', (body, field, words) => {
    expect(errorsOf(body)).toContainEqual({ field, message: expect.stringContaining(words) });
    expect(JSON.stringify(errorsOf(body))).not.toMatch(RAW);
  });

  it.each([
    [createWebhookSchema, { url: 'https://a.example', events: [] }, 'events', 'must have at least 1 value'],
    [createWebhookSchema, { url: 'https://a.example', events: ['generation.succeded'] }, 'events.0', 'did you mean'],
    [sceneEditSchema, { overlay: { color: 'red' } }, 'overlay.color', 'form'],
    [sceneEditSchema, { desciption: 'x' }, 'body', 'did you mean description?'],
    [planEditSchema, { scenes: [{ index: 0, overlay: { txt: 'x' } }] }, 'scenes.0.overlay', 'did you mean text?'],
    [planEditSchema, { scenes: {} }, 'scenes', 'must be an array, not an object'],
  ])('of another schema: %#', (schema, body, field, words) => {
    expect(errorsOf(body, schema)).toContainEqual({ field, message: expect.stringContaining(words) });
  });

  it('exists for any JSON value, without the words of the validator', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (value, other) => {
        const bodies: unknown[] = [
          value,
          { prompt, ...(value as object) },
          { prompt, metadata: value, parallel: other },
        ];
        for (const body of bodies) {
          const errors = errorsOf(body);
          expect(errors.length).toBeLessThanOrEqual(20);
          for (const { message } of errors) expect(message.replace(/unknown field .*/s, '')).not.toMatch(RAW);
        }
      }),
    );
  });

  it('stays short for a thousand unknown fields', () => {
    const body = Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`field${n}${'x'.repeat(500)}`, 1]));
    expect(JSON.stringify(errorsOf({ prompt, ...body })).length).toBeLessThan(4000);
  });
});
