import { type Charge, type GenerationState } from '@clipmesh/contracts';

/** What the provider bills for a clip: the price of the table, or another amount that it says with the clip or later. */
export type Bill = 'table' | 'more' | 'less' | 'less later';

export interface BilledClip {
  readonly charge: Charge;
  /** The difference to the bill. Undefined: there is none. */
  readonly adjustment: Charge | undefined;
  /** The charges that are known with the clip. */
  readonly known: readonly Charge[];
  readonly billedMicros: number;
}

/** The charges of a clip. The provider never bills more than `amountMicros`. */
export function billedClip(
  predictionId: string,
  amountMicros: number,
  outcome: Charge['outcome'],
  bill: Bill,
): BilledClip {
  const isOther = bill !== 'table' && amountMicros > 0;
  const charge: Charge = {
    ...{ key: `prediction:${predictionId}`, kind: 'clip', stage: 'clip', provider: 'replicate' },
    ...{ model: 'google/veo-3.1', quantity: 1, unit: 'second', scene: 0, outcome },
    amountMicros: isOther && bill === 'more' ? amountMicros - 1 : amountMicros,
  };
  if (!isOther) return { charge, adjustment: undefined, known: [charge], billedMicros: amountMicros };
  const adjustment: Charge = {
    ...charge,
    ...{ key: `adjustment:${charge.key}`, kind: 'adjustment', adjusts: charge.key, quantity: 0 },
    amountMicros: bill === 'more' ? 1 : -1,
  };
  return {
    charge,
    adjustment,
    known: bill === 'less later' ? [charge] : [charge, adjustment],
    billedMicros: bill === 'more' ? amountMicros : amountMicros - 1,
  };
}

/** The state with these charges, as the director counts them. */
export const counted = (state: GenerationState, charges: readonly Charge[]): GenerationState => ({
  ...state,
  costMicros: charges.reduce((sum, { amountMicros }) => sum + amountMicros, state.costMicros),
  chargeKeys: [...state.chargeKeys, ...charges.map(({ key }) => key)],
});
