import { describe, expect, it } from '@jest/globals';
import { type Charge } from '@clipmesh/contracts';
import { maxTotalMicros, type PurchaseSummary } from './account.bound.js';

const spoken: Charge = {
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
    ['its charge', 'failed', [speech('finished', { charge: spoken })], 255],
    ['nothing without a price', 'failed', [speech('intended', { quoteMicros: undefined })], 0],
    ['nothing when it failed before it was charged', 'failed', [speech('failed')], 0],
  ])('is %s', (_name, status, purchases, micros) => {
    expect(maxTotalMicros({ status, costMicros: 0, chargeKeys: [], scenes: [] }, purchases, [])).toBe(micros);
  });

  it('counts a charge once that is in the ledger', () => {
    const state = { status: 'failed' as const, costMicros: 255, chargeKeys: [spoken.key], scenes: [] };
    expect(maxTotalMicros(state, [speech('finished', { charge: spoken })], [spoken])).toBe(255);
  });
});

const charge = (key: string, amountMicros: number): Charge => ({
  ...{ key, kind: 'clip', stage: 'clip', provider: 'replicate', model: 'm', quantity: 4, unit: 'second' },
  ...{ amountMicros, outcome: 'succeeded' },
});
const adjustment = (of: string, amountMicros: number): Charge => ({
  ...charge(`adjustment:${of}`, amountMicros),
  ...{ kind: 'adjustment', adjusts: of },
});
const purchase = (change: Partial<PurchaseSummary>): PurchaseSummary => ({
  ...{ kind: 'clip', status: 'finished', model: 'm', scene: 0 },
  ...change,
});
/** What the state has, as the director counts it. */
const counted = (...charges: Charge[]) => ({
  costMicros: charges.reduce((sum, { amountMicros }) => sum + amountMicros, 0),
  chargeKeys: charges.map(({ key }) => key),
});

describe('the most that an ended generation can cost', () => {
  const [a, b, less] = [charge('a', 100), charge('b', 30), adjustment('a', -40)];
  it.each<[string, Charge[], PurchaseSummary[], Charge[], number]>([
    ['nothing', [], [], [], 0],
    ['a charge that all know', [a], [purchase({ charge: a })], [a], 100],
    ['charges that only one knows each', [a], [purchase({ charge: charge('c', 7) })], [b], 137],
    ['an adjustment that is only in the ledger', [a], [purchase({ charge: a, adjustment: less })], [a, less], 60],
    ['an adjustment that the ledger does not have yet', [a, less], [], [a], 60],
    ['an adjustment that only the purchase has', [a], [purchase({ charge: a, adjustment: less })], [a], 60],
    ['a clip with an unknown outcome', [a], [purchase({ status: 'submitted' })], [a], 400],
  ])('is the sum of each charge once: %s', (_name, state, purchases, entries, micros) => {
    const scene = { index: 0, status: 'canceled', attempt: 1, modelIndex: 0, cached: false } as const;
    const spent = counted(...state);
    const scenes = [{ ...scene, costMicros: spent.costMicros, allowanceMicros: 400 }];
    expect(maxTotalMicros({ status: 'canceled', ...spent, scenes }, purchases, entries)).toBe(micros);
  });
});
