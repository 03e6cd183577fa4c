import { describe, expect, it } from '@jest/globals';
import { completionCostMicros, llmPrice } from './llm.prices.js';

describe('the price of a completion', () => {
  it.each([
    ['gpt-4o-mini', 150_000 + 600_000],
    ['gpt-4o-mini-2024-07-18', 150_000 + 600_000],
    ['gpt-4o-2024-08-06', 2_500_000 + 10_000_000],
    ['gpt-4.1-nano', 100_000 + 400_000],
  ])('by %s is %i micro-dollars for a million tokens in and out', (model, micros) => {
    const price = llmPrice(model);
    expect(price && completionCostMicros(price, 1_000_000, 1_000_000)).toBe(micros);
  });

  it.each(['a future model', 'gpt-4o-audio', 'openai/gpt-4o', 'constructor', ''])('by %s is unknown', (model) => {
    expect(llmPrice(model)).toBeUndefined();
  });
});
