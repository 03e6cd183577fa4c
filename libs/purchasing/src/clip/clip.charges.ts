import { type Charge } from '@clipmesh/contracts';
import { clipKind, clipMicros, type ModelTable, type Sku, skuOf } from '@clipmesh/billing';
import { type PredictionState } from '@clipmesh/providers';

/** What a charge depends on, from the purchase. */
export interface PurchasedClip {
  readonly provider: string;
  readonly model: string;
  readonly scene: number;
  /** Requested seconds; billed when the provider names none. */
  readonly durationSeconds: number;
  /** Whether the clip was bought with sound, if the model has the choice. */
  readonly sound: boolean;
}

export type PricedClip = Pick<PurchasedClip, 'model' | 'durationSeconds' | 'sound'>;

/** What the charges of clips are computed with. */
export interface ChargeTerms {
  readonly models: ModelTable;
}

/**
 * The charges for a prediction in this state. The provider charges a prediction that succeeded, that was canceled after its
 * start, or that failed with billed seconds (its output was refused) or seconds of computing. A model without terms gives an unpriced charge.
 */
export function chargesOf({ models }: ChargeTerms, clip: PurchasedClip, state: PredictionState): Charge[] {
  const charged =
    state.status === 'succeeded' ||
    (state.status === 'canceled' && state.startedAt !== undefined) ||
    (state.status === 'failed' && ((state.billedSeconds ?? 0) > 0 || (state.gpuSeconds ?? 0) > 0));
  if (!charged) return [];
  const { provider, durationSeconds } = clip;
  const { billedSeconds: seconds = durationSeconds, gpuSeconds, billedMicros } = state;
  // Ids are unique in one provider only.
  const key = provider === 'replicate' ? `prediction:${state.id}` : `prediction:${provider}:${state.id}`;
  const outcome = state.status === 'succeeded' || state.status === 'failed' ? state.status : 'canceled';
  return [{ key, ...pricedAs(models, clip, { seconds, gpuSeconds, billedMicros }), outcome }];
}

/** The charge for a purchase of which the provider cannot say whether it was made: its highest price. */
export const assumedCharge = ({ models }: ChargeTerms, clip: PurchasedClip, purchaseKey: string): Charge => ({
  key: `purchase:${purchaseKey}`,
  ...pricedAs(models, clip, { seconds: clip.durationSeconds }),
  outcome: 'failed',
  assumed: true,
});

/** The price of a clip of a model, from the table. Undefined: the model has no terms. */
export function clipSku(models: ModelTable, { model, durationSeconds, sound }: PricedClip): Sku | undefined {
  const terms = models.get(model);
  return terms && skuOf(terms, clipKind(terms, { seconds: durationSeconds, sound }));
}

function pricedAs(
  models: ModelTable,
  clip: PurchasedClip,
  used: { seconds: number; gpuSeconds?: number | undefined; billedMicros?: number | undefined },
): Omit<Charge, 'key' | 'outcome'> {
  const { provider, model, scene } = clip;
  const sku = clipSku(models, clip);
  const amountMicros = used.billedMicros ?? (sku && clipMicros(sku, used));
  return {
    kind: 'clip',
    stage: 'clip',
    provider,
    model,
    ...(sku?.per !== 'gpu_second' || used.gpuSeconds === undefined
      ? { quantity: used.seconds, unit: 'second' as const }
      : { quantity: used.gpuSeconds, unit: 'gpu_second' as const }),
    ...(sku === undefined ? {} : { sku: sku.id }),
    ...(amountMicros === undefined ? { amountMicros: 0, unpriced: true as const } : { amountMicros }),
    scene,
  };
}

/** The charge as a change of its purchase. */
export const chargeIn = ([charge]: readonly Charge[]): { charge?: Charge } => (charge === undefined ? {} : { charge });
