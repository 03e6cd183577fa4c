import { describe, expect, it } from '@jest/globals';
import { type Charge } from '@clipmesh/contracts';
import { maxTotalMicros, type PurchaseSummary } from './account.bound.js';

const charge: Charge = {
  ...{ key: 'speech:1', kind: 'speech', stage: 'audio', provider: 'openai', model: 'tts-1' },
  ...{ quantity: 17, unit: 'character', amountMicros: 255, outcome: 'succeeded' },
};
const speech = (status: string, more: Partial<PurchaseSummary> = {}): PurchaseSummary => ({
  ...{ kind: 'speech', status, model: 'tts-1', scene: 0, quoteMicros: 900 },
  ...more,
});

describe('the most that the speech of an ended generation can cost', () => {
  it.each<[string, 'failed' | 'canceled', PurchaseSummary[], number]>([
    ['nothing without a purchase', 'failed', [], 0],
    ['its quote while its outcome is unknown', 'failed', [speech('intended'), speech('unanswered')], 1800],
    ['its quote until its file is verified', 'canceled', [speech('submitted')], 900],
    ['its charge', 'failed', [speech('finished', { charge })], 255],
    ['nothing without a price', 'failed', [speech('intended', { quoteMicros: undefined })], 0],
    ['nothing when it failed before it was charged', 'failed', [speech('failed')], 0],
  ])('is %s', (_name, status, purchases, micros) => {
    expect(maxTotalMicros({ status, costMicros: 0, scenes: [] }, purchases, [])).toBe(micros);
  });

  it('counts a charge once that is in the ledger', () => {
    const state = { status: 'failed' as const, costMicros: 255, scenes: [] };
    expect(maxTotalMicros(state, [speech('finished', { charge })], [charge])).toBe(255);
  });
});
