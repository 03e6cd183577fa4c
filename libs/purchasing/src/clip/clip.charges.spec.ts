import { chargesIn, type ModelTable } from '@clipmesh/billing';
import { type Charge } from '@clipmesh/contracts';
import { type PredictionState } from '@clipmesh/providers';
import { SAMPLE_MODELS } from '@clipmesh/testing';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { assumedCharge, type Booked, chargeIn, chargesOf, corrected, type PurchasedClip } from './clip.charges.js';

/** A model of a provider with one price. */
const PRICED = {
  second: { id: 'second', when: {}, per: 'second', micros: 100_000 },
  clip: { id: 'clip', when: {}, per: 'clip', micros: 500_000 },
  gpu: { id: 'gpu', when: {}, per: 'gpu_second', micros: 500, gpuSeconds: { low: 0, high: 10 } },
} as const;
type Price = keyof typeof PRICED;
const [sample] = [...SAMPLE_MODELS.values()];
const models: ModelTable = new Map(
  Object.entries(PRICED).map(([id, sku]) => [id, { ...sample!, id, provider: 'cog', skus: [sku] }]),
);
const clipOf = (model: Price | 'unknown', provider = 'cog'): PurchasedClip => ({
  ...{ provider, model, scene: 1, durationSeconds: 5, sound: true },
});
const stateOf = (change: Partial<PredictionState>): PredictionState => ({ id: 'k', status: 'succeeded', ...change });
const sumOf = (charges: readonly Charge[]): number => charges.reduce((sum, { amountMicros }) => sum + amountMicros, 0);
const RAN = { startedAt: '2026-01-01T00:00:00.000Z' };

describe('the charges of a prediction', () => {
  it.each<[string, Price | 'unknown', Partial<PredictionState>, object[]]>([
    ['its length as requested', 'second', { billedSeconds: 5 }, [{ quantity: 5, amountMicros: 500_000 }]],
    [
      'a longer clip',
      'second',
      { billedSeconds: 5.04 },
      [
        { quantity: 5, amountMicros: 500_000 },
        { quantity: 0.04, unit: 'second', amountMicros: 4000 },
      ],
    ],
    [
      'a shorter clip',
      'second',
      { billedSeconds: 4 },
      [
        { quantity: 5, amountMicros: 500_000 },
        { quantity: -1, amountMicros: -100_000 },
      ],
    ],
    ['another length at a price per clip', 'clip', { billedSeconds: 4 }, [{ amountMicros: 500_000 }]],
    ['more than the table', 'clip', { billedMicros: 500_007 }, [{ amountMicros: 500_000 }, { amountMicros: 7 }]],
    ['less', 'clip', { billedMicros: 1 }, [{ amountMicros: 500_000 }, { amountMicros: -499_999 }]],
    ['nothing', 'second', { billedMicros: 0 }, [{ amountMicros: 500_000 }, { amountMicros: -500_000 }]],
    ['exactly the table', 'second', { billedMicros: 500_000 }, [{ amountMicros: 500_000 }]],
    [
      'money, although it also says a length',
      'second',
      { billedMicros: 300_000, billedSeconds: 4 },
      [
        { quantity: 5, amountMicros: 500_000 },
        { quantity: -1, amountMicros: -200_000 },
      ],
    ],
    [
      'measured computing',
      'gpu',
      { gpuSeconds: 12.5 },
      [{ quantity: 12.5, unit: 'gpu_second', amountMicros: 6250, outcome: 'succeeded' }],
    ],
    [
      'measured computing at another rate',
      'gpu',
      { gpuSeconds: 12.5, billedMicros: 7000 },
      [
        { unit: 'gpu_second', amountMicros: 6250 },
        { unit: 'gpu_second', quantity: 0, amountMicros: 750 },
      ],
    ],
    ['unmeasured computing', 'gpu', {}, [{ unit: 'second', amountMicros: 25_000, assumed: true }]],
    [
      'unmeasured computing with a bill',
      'gpu',
      { billedMicros: 7 },
      [{ unit: 'second', amountMicros: 25_000 }, { amountMicros: -24_993 }],
    ],
    ['a model without a price', 'unknown', {}, [{ amountMicros: 0, unpriced: true }]],
    ['a bill without a price', 'unknown', { billedMicros: 7 }, [{ amountMicros: 7 }]],
  ])('are the price of the table and the difference to the bill: %s', (_name, model, state, entries) => {
    const found = chargesOf({ models }, clipOf(model), stateOf(state));
    expect(found).toEqual(entries.map((entry) => expect.objectContaining(entry)));
    const [charge, adjustment] = found;
    expect(charge).toMatchObject({ key: 'prediction:cog:k', kind: 'clip', provider: 'cog', scene: 1 });
    expect(charge?.assumed).toBe((entries[0] as { assumed?: true }).assumed);
    if (adjustment !== undefined)
      expect(adjustment).toMatchObject({
        ...{ key: 'adjustment:prediction:cog:k', kind: 'adjustment', adjusts: 'prediction:cog:k', stage: 'clip' },
        ...{ provider: 'cog', model, scene: 1, outcome: 'succeeded' },
      });
  });

  it('are the highest price, assumed, when the provider cannot say what became of it', () => {
    const assumed = { amountMicros: 25_000, assumed: true, outcome: 'failed' };
    expect(assumedCharge({ models }, clipOf('gpu'), { key: 'clip.1' })).toMatchObject({
      key: 'purchase:clip.1',
      ...assumed,
    });
    // With an id it is the same charge that the prediction would have.
    expect(assumedCharge({ models }, clipOf('gpu'), { key: 'clip.1', predictionId: 'k' })).toMatchObject({
      key: 'prediction:cog:k',
      ...assumed,
    });
  });
});

describe('a purchase that is charged already', () => {
  const booked = (state: Partial<PredictionState>): Booked =>
    chargeIn(chargesOf({ models }, clipOf('gpu'), stateOf(state)));
  const lost = { charge: assumedCharge({ models }, clipOf('gpu'), { key: 'clip.1' }) };
  it.each<[string, Booked, Partial<PredictionState>, number[]]>([
    ['learns no more', booked({ gpuSeconds: 2 }), { gpuSeconds: 2 }, [1000]],
    ['learns less', booked({ gpuSeconds: 2 }), {}, [1000]],
    ['learns that it failed without a charge', booked({ gpuSeconds: 2 }), { status: 'failed' }, [1000]],
    ['is measured after it was assumed', booked({}), { gpuSeconds: 2 }, [25_000, -24_000]],
    ['learns a bill', booked({ gpuSeconds: 2 }), { billedMicros: 7 }, [1000, -993]],
    ['learns another bill later', booked({ gpuSeconds: 2, billedMicros: 7 }), { billedMicros: 9 }, [1000, -993]],
    ['was assumed, and was never made', lost, { status: 'canceled' }, [25_000, -25_000]],
    ['was assumed, and is still unknown', lost, { status: 'canceled', ...RAN }, [25_000]],
  ])('%s', (_name, before, state, amounts) => {
    const found = chargesOf({ models }, clipOf('gpu'), stateOf(state), before);
    expect(found.map(({ amountMicros }) => amountMicros)).toEqual(amounts);
    expect(found[0]).toEqual(before.charge);
    expect(found[1]?.adjusts).toBe(found[1] && before.charge?.key);
    // Saving what was found on top of what was booked finds the same.
    expect(corrected(before, found)).toEqual(found);
    expect(corrected(chargeIn(found), found)).toEqual(found);
  });

  it('sums to what was billed, for any order and repetition of what the provider says', () => {
    const billedMicros = fc.constantFrom(0, 1, 499_999, 500_000, 123_456_789);
    /** Whether each read has the bill. One does. */
    const reads = fc.array(fc.boolean(), { minLength: 1, maxLength: 8 }).filter((bills) => bills.includes(true));
    const gpuSeconds = fc.option(fc.double({ min: 0.1, max: 50, noNaN: true }), { nil: undefined });
    fc.assert(
      fc.property(
        fc.constantFrom<Price>('second', 'clip', 'gpu'),
        billedMicros,
        reads,
        gpuSeconds,
        (model, bill, bills, ran) => {
          const ledger = new Map<string, Charge>();
          let record: Booked = {};
          for (const isBilled of [...bills, ...bills]) {
            const state = stateOf({ ...(ran && { gpuSeconds: ran }), ...(isBilled ? { billedMicros: bill } : {}) });
            // One replica has an old copy of the record, the other the current one. Both save on top of the current one.
            for (const copy of [{}, record]) {
              record = chargeIn(corrected(record, chargesOf({ models }, clipOf(model), state, copy)));
              for (const charge of chargesIn(record)) if (!ledger.has(charge.key)) ledger.set(charge.key, charge);
            }
          }
          expect(sumOf([...ledger.values()])).toBe(bill);
          expect([...ledger.values()]).toEqual(chargesIn(record));
        },
      ),
    );
  });
});
