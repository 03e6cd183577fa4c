import { SAMPLE_MODELS } from '@clipmesh/testing';
import { describe, expect, it } from '@jest/globals';
import { createGenerationSchema } from '@clipmesh/contracts';
import { buildJob } from '../jobs/job.builder.js';

describe('maxCostUsd', () => {
  const defaults = {
    models: ['google/veo-3.1'],
    table: SAMPLE_MODELS,
    parallelEnabled: true,
    maxWorkers: 4,
    fallbackAfter: 3,
  };
  const parsed = (maxCostUsd: unknown) =>
    createGenerationSchema.safeParse({ prompt: 'A kettle that sings.', maxCostUsd });

  it.each([0, -1, -0, Number.NaN, Infinity, 1_000_001, '1', null, true, {}])('rejects %s', (value) => {
    expect(parsed(value).success).toBe(false);
  });

  it.each<[number, number]>([
    [0.1, 100_000],
    [0.29, 290_000],
    [1.005, 1_005_000],
    [2.000001, 2_000_001],
    // Rounded down: a generation never costs more than the cap.
    [0.1234569, 123_456],
    [0.0000009, 0],
    [999_999.999999, 999_999_999_999],
    [1_000_000, 1_000_000_000_000],
  ])('%d is %i micro-dollars', (value, micros) => {
    const request = createGenerationSchema.parse({ prompt: 'A kettle that sings.', maxCostUsd: value });
    expect(buildJob(request, defaults).maxCostMicros).toBe(micros);
  });
});
