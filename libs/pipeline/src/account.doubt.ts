import { type Charge, type GenerationState } from '@clipmesh/contracts';
import { completionCostMicros, llmPrice } from './models.js';

/** What the doubt needs of a purchase. */
export interface Purchase {
  readonly kind: 'clip' | 'llm';
  readonly status: string;
  readonly model: string;
  readonly scene?: number | undefined;
  readonly charge?: Charge | undefined;
  /** The most that it may cost, micro-dollars. */
  readonly quoteMicros?: number | undefined;
}

/** States of a purchase whose price is not known yet. */
const IN_DOUBT: ReadonlySet<string> = new Set(['intended', 'unanswered', 'submitted']);
/** Tokens, in and out each, of a long prompt and a long plan. */
export const LONG_TOKENS = 4000;

/** The price of a long plan; nothing for a model whose price is not known, which no budget admits. */
const longPlanMicros = (model: string): number => {
  const price = llmPrice(model);
  return price === undefined ? 0 : completionCostMicros(price, LONG_TOKENS, LONG_TOKENS);
};

/**
 * The most that an ended generation may come to, micro-dollars: what was spent, what is paid for but not in the ledger yet,
 * and the full price of clips, and of a canceled plan, whose end nobody has seen.
 */
export function mostMicros(
  state: Pick<GenerationState, 'status' | 'costMicros' | 'scenes'>,
  purchases: readonly Purchase[],
  entries: readonly Pick<Charge, 'key' | 'amountMicros'>[],
): number {
  const sum = (amounts: readonly number[]): number => amounts.reduce((total, amount) => total + amount, 0);
  const booked = new Set(entries.map(({ key }) => key));
  const charges = new Map(purchases.flatMap(({ charge }) => (charge === undefined ? [] : [[charge.key, charge]])));
  const owed = [...charges.values()].filter(({ key }) => !booked.has(key)).map(({ amountMicros }) => amountMicros);
  const doubtful = purchases.filter(({ status, charge }) => charge === undefined && IN_DOUBT.has(status));
  const scenes = new Set(doubtful.flatMap(({ kind, scene }) => (kind === 'clip' ? [scene] : [])));
  const clips = state.scenes
    .filter(({ index }) => scenes.has(index))
    .map(({ allowanceMicros = 0, costMicros }) => Math.max(0, allowanceMicros - costMicros));
  // Of any other end a plan that is still being written is another planner's, which was killed: nothing will be told of it.
  const plans =
    state.status === 'canceled'
      ? doubtful
          .filter(({ kind }) => kind === 'llm')
          .map(({ model, quoteMicros }) => quoteMicros ?? longPlanMicros(model))
      : [];
  return (
    Math.max(state.costMicros, sum(entries.map(({ amountMicros }) => amountMicros))) +
    sum([...owed, ...clips, ...plans])
  );
}
