import { describe, expect, it } from '@jest/globals';
import { type Charge, chargeSchema, chargesSchema } from './failure.js';

const charge: Charge = {
  ...{ key: 'prediction:p1', kind: 'clip', stage: 'clip', provider: 'replicate', model: 'm', quantity: 4 },
  ...{ unit: 'second', amountMicros: 100, outcome: 'succeeded' },
};
const adjustment: Charge = {
  ...charge,
  ...{ key: 'adjustment:prediction:p1', kind: 'adjustment', adjusts: 'prediction:p1', quantity: -1, amountMicros: -25 },
};

describe('a charge', () => {
  it.each<[string, object, boolean]>([
    ['as before there were adjustments', charge, true],
    ['a negative adjustment', adjustment, true],
    ['a positive adjustment', { ...adjustment, quantity: 1, amountMicros: 25 }, true],
    ['a negative charge', { ...charge, amountMicros: -1 }, false],
    ['a negative quantity', { ...charge, quantity: -1 }, false],
    ['an adjustment of nothing', { ...adjustment, adjusts: undefined }, false],
    ['a charge that adjusts another', { ...charge, adjusts: 'prediction:p0' }, false],
  ])('%s is valid: %s', (_name, value, valid) => {
    expect(chargeSchema.safeParse(value).success).toBe(valid);
  });

  it('has its adjustment only beside it', () => {
    expect(chargesSchema.safeParse([charge, adjustment]).success).toBe(true);
    expect(chargesSchema.safeParse([adjustment]).success).toBe(false);
  });
});
