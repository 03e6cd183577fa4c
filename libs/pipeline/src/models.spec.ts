import { describe, expect, it } from '@jest/globals';
import { completionCostMicros } from './models.js';

describe('the price of a completion', () => {
  it.each([
    ['gpt-4o-mini', 150_000 + 600_000],
    ['gpt-4o-mini-2024-07-18', 150_000 + 600_000],
    ['gpt-4o-2024-08-06', 2_500_000 + 10_000_000],
    ['a model of tomorrow', 2_500_000 + 10_000_000],
  ])('of %s is %i micro-dollars for a million tokens in and out', (model, micros) => {
    expect(completionCostMicros(model, 1_000_000, 1_000_000)).toBe(micros);
  });
});
