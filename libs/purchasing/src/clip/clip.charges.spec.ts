import { type ModelTable } from '@clipmesh/billing';
import { SAMPLE_MODELS } from '@clipmesh/testing';
import { describe, expect, it } from '@jest/globals';
import { type PredictionState } from '@clipmesh/providers';
import { assumedCharge, chargesOf, type PurchasedClip } from './clip.charges.js';

const clip: PurchasedClip = { provider: 'cog', model: 'acme/reel', scene: 1, durationSeconds: 5, sound: true };
const models: ModelTable = new Map([
  [
    clip.model,
    {
      ...[...SAMPLE_MODELS.values()][0]!,
      id: clip.model,
      provider: 'cog',
      skus: [{ id: 'gpu', when: {}, per: 'gpu_second', micros: 500, gpuSeconds: { low: 0, high: 10 } }],
    },
  ],
]);

describe('charges by the second of computing', () => {
  it.each<[string, Partial<PredictionState>, object | undefined]>([
    [
      'a clip that succeeded',
      { status: 'succeeded', gpuSeconds: 12.5 },
      { quantity: 12.5, unit: 'gpu_second', amountMicros: 6250, outcome: 'succeeded' },
    ],
    ['a clip that failed', { status: 'failed', gpuSeconds: 2 }, { amountMicros: 1000, outcome: 'failed' }],
    [
      'a clip that was canceled while it ran',
      { status: 'canceled', startedAt: 'now', gpuSeconds: 0.0001 },
      { amountMicros: 1, outcome: 'canceled' },
    ],
    ['a clip whose seconds are unknown', { status: 'succeeded' }, { unit: 'second', amountMicros: 25_000 }],
    ['what the provider says that it billed', { status: 'succeeded', billedMicros: 7 }, { amountMicros: 7 }],
    ['nothing for a failure without computing', { status: 'failed' }, undefined],
  ])('%s', (_name, state, charge) => {
    const found = chargesOf({ models }, clip, { id: 'k', status: 'processing', ...state });
    expect(found).toEqual(
      charge === undefined
        ? []
        : [expect.objectContaining({ key: 'prediction:cog:k', provider: 'cog', sku: 'gpu', scene: 1, ...charge })],
    );
  });

  it('are the highest price when the provider cannot say whether it made the clip', () => {
    expect(assumedCharge({ models }, clip, 'clip.1')).toMatchObject({ amountMicros: 25_000, assumed: true });
  });
});
