/** Price of a language model, micro-dollars per million tokens. */
export interface LlmPrice {
  readonly inputMicros: number;
  readonly outputMicros: number;
}

/**
 * OpenAI prices (platform.openai.com/docs/pricing), as published tables of April 2026 repeat them. Cached input counts at
 * the full price.
 */
const LLM_PRICES: ReadonlyMap<string, LlmPrice> = new Map([
  ['gpt-4o-mini', { inputMicros: 150_000, outputMicros: 600_000 }],
  ['gpt-4o', { inputMicros: 2_500_000, outputMicros: 10_000_000 }],
  ['gpt-4.1', { inputMicros: 2_000_000, outputMicros: 8_000_000 }],
  ['gpt-4.1-mini', { inputMicros: 400_000, outputMicros: 1_600_000 }],
  ['gpt-4.1-nano', { inputMicros: 100_000, outputMicros: 400_000 }],
]);

/** The date that providers append to the requested model in answers: `gpt-4o-mini-2024-07-18`. */
const SNAPSHOT = /-\d{4}-\d{2}-\d{2}$/;

/** The price of a language model; undefined when the table does not have it. */
export const llmPrice = (model: string): LlmPrice | undefined => LLM_PRICES.get(model.replace(SNAPSHOT, ''));

/** The cost of a completion, micro-dollars, rounded up. */
export const completionCostMicros = (price: LlmPrice, inputTokens: number, outputTokens: number): number =>
  Math.ceil((price.inputMicros * inputTokens + price.outputMicros * outputTokens) / 1_000_000);
