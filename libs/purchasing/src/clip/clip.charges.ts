import { type Charge, ClipmeshError } from '@clipmesh/contracts';
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

/** Runs `work` and adds `charges` to its errors: there may be no further try to publish them. */
export async function reportingCharges<T>(charges: readonly Charge[], work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof ClipmeshError ? withCharges(error, charges) : error;
  }
}

/** The same error with these charges, each key once. */
export function withCharges(error: ClipmeshError, reported: readonly Charge[]): ClipmeshError {
  const charges = [...new Map(reported.map((charge) => [charge.key, charge])).values()];
  const { code, message: text, retryable, retryAfterMs } = error;
  return new ClipmeshError(code, text, {
    cause: error,
    retryable,
    charges,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}
