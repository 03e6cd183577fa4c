import { type Charge } from '@clipmesh/contracts';
import { chargesIn, clipKind, clipMicros, type ModelTable, type Sku, skuOf } from '@clipmesh/billing';
import { type Purchase } from '@clipmesh/persistence';
import { type PredictionState } from '@clipmesh/providers';

/** What a charge depends on, from the purchase. */
export interface PurchasedClip {
  readonly provider: string;
  readonly model: string;
  readonly scene: number;
  /** Requested seconds, which the table prices. */
  readonly durationSeconds: number;
  /** Whether the clip was bought with sound, if the model has the choice. */
  readonly sound: boolean;
}

export type PricedClip = Pick<PurchasedClip, 'model' | 'durationSeconds' | 'sound'>;

/** What the charges of clips are computed with. */
export interface ChargeTerms {
  readonly models: ModelTable;
}

/** The charge of a purchase, and its adjustment. */
export type Booked = Pick<Purchase, 'charge' | 'adjustment'>;

/**
 * The charges for a prediction in this final state: the price of the table, and an adjustment when the provider billed something else.
 * Empty: the provider charges nothing. Providers charge what succeeded, what was canceled after its start, and what failed with a
 * bill or by computing time. `booked`: what the purchase has been charged already, which stays as it is.
 */
export function chargesOf(
  { models }: ChargeTerms,
  clip: PurchasedClip,
  state: PredictionState,
  booked: Booked = {},
): Charge[] {
  const sku = clipSku(models, clip);
  if (!isCharged(state, sku)) return corrected(booked, []);
  const outcome = state.status === 'succeeded' || state.status === 'failed' ? state.status : 'canceled';
  const charge: Charge = { key: predictionKey(clip.provider, state.id), ...pricedAs(clip, sku, state), outcome };
  const difference = adjustmentOf(charge, billOf(charge, sku, state));
  return corrected(booked, difference === undefined ? [charge] : [charge, difference]);
}

function isCharged(
  { status, startedAt, billedMicros, billedSeconds, gpuSeconds }: PredictionState,
  sku?: Sku,
): boolean {
  switch (status) {
    case 'succeeded':
      return true;
    case 'canceled':
      return startedAt !== undefined;
    case 'failed':
      if (billedMicros !== undefined) return billedMicros > 0;
      if (sku?.per !== 'gpu_second') return (billedSeconds ?? 0) > 0;
      // The computing time is used up, whatever came of it.
      return gpuSeconds === undefined ? startedAt !== undefined : gpuSeconds > 0;
    case 'starting':
    case 'processing':
      return false;
  }
}

/** Ids are unique in one provider only. */
const predictionKey = (provider: string, id: string): string =>
  provider === 'replicate' ? `prediction:${id}` : `prediction:${provider}:${id}`;

/** The charge for a purchase of which the provider cannot say whether it was made, or what became of it: its highest price. */
export const assumedCharge = (
  { models }: ChargeTerms,
  clip: PurchasedClip,
  { key, predictionId }: Pick<Purchase, 'key' | 'predictionId'>,
): Charge => ({
  key: predictionId === undefined ? `purchase:${key}` : predictionKey(clip.provider, predictionId),
  ...pricedAs(clip, clipSku(models, clip), {}),
  outcome: 'failed',
  assumed: true,
});

/** The price of a clip of a model, from the table. Undefined: the model has no terms. */
export function clipSku(models: ModelTable, { model, durationSeconds, sound }: PricedClip): Sku | undefined {
  const terms = models.get(model);
  return terms && skuOf(terms, clipKind(terms, { seconds: durationSeconds, sound }));
}

type Used = Pick<PredictionState, 'gpuSeconds' | 'billedMicros'>;

/** The price of the table. Without one, it is what the provider billed. */
function pricedAs(
  { provider, model, scene, durationSeconds: seconds }: PurchasedClip,
  sku: Sku | undefined,
  { gpuSeconds, billedMicros }: Used,
): Omit<Charge, 'key' | 'outcome'> {
  const amountMicros = sku === undefined ? billedMicros : clipMicros(sku, { seconds, gpuSeconds });
  const isMeasured = sku?.per !== 'gpu_second' || gpuSeconds !== undefined;
  return {
    kind: 'clip',
    stage: 'clip',
    provider,
    model,
    ...(sku?.per !== 'gpu_second' || gpuSeconds === undefined
      ? { quantity: seconds, unit: 'second' as const }
      : { quantity: gpuSeconds, unit: 'gpu_second' as const }),
    ...(sku === undefined ? {} : { sku: sku.id }),
    ...(amountMicros === undefined ? { amountMicros: 0, unpriced: true as const } : { amountMicros }),
    ...(isMeasured || billedMicros !== undefined ? {} : { assumed: true as const }),
    scene,
  };
}

/** An amount of money, and the quantity that it is for. */
type Bill = Pick<Charge, 'amountMicros' | 'quantity'>;

/** What the provider says that it billed. Without its word, what the charge has. */
function billOf(charge: Charge, sku: Sku | undefined, { billedMicros, billedSeconds }: PredictionState): Bill {
  const isByLength = sku?.per === 'second' && billedSeconds !== undefined;
  const quantity = isByLength ? billedSeconds : charge.quantity;
  const amountMicros = billedMicros ?? (isByLength ? clipMicros(sku, { seconds: billedSeconds }) : charge.amountMicros);
  return { amountMicros, quantity };
}

/** The difference between a bill and a charge as an entry of its own. Undefined: there is none. */
function adjustmentOf(charge: Charge, bill: Bill): Charge | undefined {
  const amountMicros = bill.amountMicros - charge.amountMicros;
  if (amountMicros === 0) return undefined;
  const { assumed: _assumed, unpriced: _unpriced, ...same } = charge;
  return {
    ...same,
    key: `adjustment:${charge.key}`,
    kind: 'adjustment',
    quantity: Math.round((bill.quantity - charge.quantity) * 1e6) / 1e6,
    amountMicros,
    adjusts: charge.key,
  };
}

/**
 * The charges of a purchase that has `booked` them, when its provider now says `known`. A booked charge stays as it is, and is adjusted
 * once: by what the provider billed, and by nothing that is only assumed. Without a charge now, only an assumed one is taken back.
 */
export function corrected(booked: Booked, known: readonly Charge[]): Charge[] {
  const { charge, adjustment } = booked;
  if (charge === undefined) return [...known];
  const isSilent = known.length === 0 ? charge.assumed !== true : known.length === 1 && known[0]?.assumed === true;
  if (adjustment !== undefined || isSilent) return chargesIn(booked);
  const sum = (pick: (one: Charge) => number): number => known.reduce((total, one) => total + pick(one), 0);
  // Another unit has no common quantity.
  const quantity = known.every(({ unit }) => unit === charge.unit) ? sum((one) => one.quantity) : charge.quantity;
  const bill = { amountMicros: sum((one) => one.amountMicros), quantity };
  return chargesIn({ charge, adjustment: adjustmentOf(charge, bill) });
}

/** The charges as a change of their purchase. */
export const chargeIn = ([charge, adjustment]: readonly Charge[]): Booked => ({
  ...(charge === undefined ? {} : { charge }),
  ...(adjustment === undefined ? {} : { adjustment }),
});
