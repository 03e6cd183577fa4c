import { describe, expect, it } from '@jest/globals';
import { type LedgerCharge, summaryOf } from './ledger.summary.js';

const entry = (key: string, amountMicros: number): LedgerCharge => ({
  key,
  kind: 'clip',
  stage: 'clip',
  provider: 'replicate',
  model: 'google/veo-3',
  quantity: 4,
  unit: 'second',
  amountMicros,
  outcome: 'succeeded',
  generationId: `gen_${'0'.repeat(32)}`,
  owner: 'ann',
  at: '2026-01-02T03:04:05.678Z',
});

describe('the summary of a generation', () => {
  it.each([
    [[], 0],
    [[entry('prediction:a', 480_000)], 480_000],
    [[entry('prediction:a', 1), entry('prediction:b', 2), entry('prediction:c', 0)], 3],
  ])('sums whole micro-dollars', (entries, totalMicros) => {
    expect(summaryOf(entries).totalMicros).toBe(totalMicros);
  });

  it('contains the charge, but not its owner and generation', () => {
    const [only] = summaryOf([entry('prediction:a', 5)]).entries;
    expect(only).toMatchObject({ key: 'prediction:a', model: 'google/veo-3', amountMicros: 5 });
    expect(only).not.toHaveProperty('owner');
    expect(only).not.toHaveProperty('generationId');
  });
});
