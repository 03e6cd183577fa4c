import { type Charge } from '@clipmesh/contracts';
import { clipCostMicros, MODELS } from '@clipmesh/billing';
import { type ClipProvider, type PredictionState } from '@clipmesh/providers';

/** What a charge depends on, from the purchase. */
export interface PurchasedClip {
  readonly model: string;
  readonly scene: number;
  /** Requested seconds; billed when the provider names none. */
  readonly durationSeconds: number;
}

/**
 * The charges for a prediction in this state. The provider charges a prediction that succeeded, that was canceled after its
 * start, or that failed with billed seconds (its output was refused).
 */
export function chargesOf(
  { name: provider }: Pick<ClipProvider, 'name'>,
  { model, scene, durationSeconds }: PurchasedClip,
  state: PredictionState,
): Charge[] {
  const charged =
    state.status === 'succeeded' ||
    (state.status === 'canceled' && state.startedAt !== undefined) ||
    (state.status === 'failed' && (state.billedSeconds ?? 0) > 0);
  const price = MODELS[model];
  if (!charged || price === undefined) return [];
  const seconds = state.billedSeconds ?? durationSeconds;
  return [
    {
      key: `prediction:${state.id}`,
      kind: 'clip',
      stage: 'clip',
      provider,
      model,
      quantity: seconds,
      unit: 'second',
      amountMicros: clipCostMicros(price, seconds),
      scene,
      outcome: state.status === 'succeeded' || state.status === 'failed' ? state.status : 'canceled',
    },
  ];
}

/** The charge as a change of its purchase. */
export const chargeIn = ([charge]: readonly Charge[]): { charge?: Charge } => (charge === undefined ? {} : { charge });
