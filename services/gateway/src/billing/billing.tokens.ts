/** The spending limit per owner: `BudgetRules | undefined`. Undefined: no limit. */
export const BUDGET = Symbol('BUDGET');
/** The language model and its price: `LlmTerms`. */
export const LLM_TERMS = Symbol('LLM_TERMS');
