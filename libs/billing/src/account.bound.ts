import { type Charge, type GenerationState } from '@clipmesh/contracts';
import { completionCostMicros, llmPrice } from './llm.prices.js';

/** The fields of a purchase that {@link maxTotalMicros} reads. */
export interface PurchaseSummary {
  readonly kind: 'clip' | 'llm' | 'speech';
  readonly status: string;
  readonly model: string;
  readonly scene?: number | undefined;
  readonly charge?: Charge | undefined;
  readonly adjustment?: Charge | undefined;
  /** The maximum price, micro-dollars. Default: the price of a long plan; 0 for speech. */
  readonly quoteMicros?: number | undefined;
}

/** The charge of a purchase, then its adjustment. */
export const chargesIn = ({ charge, adjustment }: Pick<PurchaseSummary, 'charge' | 'adjustment'>): Charge[] =>
  [charge, adjustment].filter((one) => one !== undefined);

/** States of a purchase with an unknown outcome. */
const UNKNOWN_OUTCOME: ReadonlySet<string> = new Set(['intended', 'unanswered', 'submitted']);
/** Tokens of a long prompt, and of a long plan. */
export const LONG_TOKENS = 4000;

/** The price of a long plan, micro-dollars; 0 for a model without a known price, which budgets reject anyway. */
const longPlanMicros = (model: string): number => {
  const price = llmPrice(model);
  return price === undefined ? 0 : completionCostMicros(price, LONG_TOKENS, LONG_TOKENS);
};

/**
 * The maximum total cost of an ended generation, micro-dollars: every charge that its state, its purchases or the ledger has, once,
 * and the full price of clips, of speech, and of a canceled generation's plans, with an unknown outcome.
 */
export function maxTotalMicros(
  state: Pick<GenerationState, 'status' | 'costMicros' | 'chargeKeys' | 'scenes'>,
  purchases: readonly PurchaseSummary[],
  entries: readonly Pick<Charge, 'key' | 'amountMicros'>[],
): number {
  const sum = (amounts: readonly number[]): number => amounts.reduce((total, amount) => total + amount, 0);
  // The state has the sum of its charges, and their keys.
  const inState = new Set(state.chargeKeys);
  const others = new Map(
    [...purchases.flatMap(chargesIn), ...entries]
      .filter(({ key }) => !inState.has(key))
      .map(({ key, amountMicros }) => [key, amountMicros]),
  );
  const unresolved = purchases.filter(({ status, charge }) => charge === undefined && UNKNOWN_OUTCOME.has(status));
  const scenes = new Set(unresolved.flatMap(({ kind, scene }) => (kind === 'clip' ? [scene] : [])));
  const clips = state.scenes
    .filter(({ index }) => scenes.has(index))
    .map(({ allowanceMicros = 0, costMicros }) => Math.max(0, allowanceMicros - costMicros));
  // After any other end, an open plan purchase belongs to a planner that was killed: no event for it will follow.
  const plans =
    state.status === 'canceled'
      ? unresolved
          .filter(({ kind }) => kind === 'llm')
          .map(({ model, quoteMicros }) => quoteMicros ?? longPlanMicros(model))
      : [];
  const speech = unresolved.flatMap(({ kind, quoteMicros = 0 }) => (kind === 'speech' ? [quoteMicros] : []));
  return state.costMicros + sum([...others.values(), ...clips, ...plans, ...speech]);
}
