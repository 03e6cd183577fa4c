import { type Charge } from '@clipmesh/contracts';
import { clipKind, clipMicros, type ModelTable, skuOf } from '@clipmesh/billing';
import { type ClipProvider, type PredictionState } from '@clipmesh/providers';

/** What a charge depends on, from the purchase. */
export interface PurchasedClip {
  readonly model: string;
  readonly scene: number;
  /** Requested seconds; billed when the provider names none. */
  readonly durationSeconds: number;
  /** Whether the clip was bought with sound, if the model has the choice. */
  readonly sound: boolean;
}

/** What the charges of clips are computed with. */
export interface ChargeTerms {
  readonly provider: Pick<ClipProvider, 'name'>;
  readonly models: ModelTable;
}

/**
 * The charges for a prediction in this state. The provider charges a prediction that succeeded, that was canceled after its
 * start, or that failed with billed seconds (its output was refused). A model without terms gives an unpriced charge.
 */
export function chargesOf(
  { provider: { name: provider }, models }: ChargeTerms,
  { model, scene, durationSeconds, sound }: PurchasedClip,
  state: PredictionState,
): Charge[] {
  const charged =
    state.status === 'succeeded' ||
    (state.status === 'canceled' && state.startedAt !== undefined) ||
    (state.status === 'failed' && (state.billedSeconds ?? 0) > 0);
  if (!charged) return [];
  const terms = models.get(model);
  const sku = terms && skuOf(terms, clipKind(terms, { seconds: durationSeconds, sound }));
  const seconds = state.billedSeconds ?? durationSeconds;
  return [
    {
      key: `prediction:${state.id}`,
      kind: 'clip',
      stage: 'clip',
      provider,
      model,
      ...(sku?.per !== 'gpu_second' || state.gpuSeconds === undefined
        ? { quantity: seconds, unit: 'second' as const }
        : { quantity: state.gpuSeconds, unit: 'gpu_second' as const }),
      ...(sku === undefined
        ? { amountMicros: 0, unpriced: true as const }
        : { sku: sku.id, amountMicros: clipMicros(sku, { seconds, gpuSeconds: state.gpuSeconds }) }),
      scene,
      outcome: state.status === 'succeeded' || state.status === 'failed' ? state.status : 'canceled',
    },
  ];
}

/** The charge as a change of its purchase. */
export const chargeIn = ([charge]: readonly Charge[]): { charge?: Charge } => (charge === undefined ? {} : { charge });
